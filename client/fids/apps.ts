/**
 * What is known of the buckets that fids are stored for: their ids, and which fids are hidden in them. It
 * is remembered, so that fids are read and stored while no nameserver answers.
 */
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { Remembered } from "./remembered.ts";

/** Fids are hidden by empty objects of these names, with the fid's 18 characters behind. */
export const HIDDEN_PREFIX = ".fids/hidden/";

export interface App {
  readonly bucket: string;
  readonly id: number;
  readonly info: BucketInfo;
  /** Names without their suffix. */
  readonly hidden: ReadonlySet<string>;
}

export class Apps {
  readonly #names: Pick<NameService, "bucket" | "list">;
  readonly #known: Remembered<string, App>;
  readonly #onAsked: () => Promise<void>;

  /** `onAsked`: something that is to be known as well, and is no less remembered. */
  constructor(
    names: Pick<NameService, "bucket" | "list">,
    clock: Clock,
    onAsked: () => Promise<void>,
  ) {
    this.#names = names;
    this.#onAsked = onAsked;
    this.#known = new Remembered({
      clock,
      ask: (bucket: string) => this.#ask(bucket),
      freshMs: limits.fidAppKeptMs,
      keptMs: limits.fidAppKeptAloneMs,
      most: limits.fidApps,
    });
  }

  /** What is fresh, at once. */
  fresh(bucket: string): App | undefined {
    return this.#known.fresh(bucket);
  }

  /** @throws QuarryError `NoSuchBucket`. */
  async of(bucket: string): Promise<App> {
    return this.#known.fresh(bucket) ?? (await this.#known.of(bucket));
  }

  /** What was changed here is seen here at once. */
  changed(bucket: string): void {
    this.#known.forget(bucket);
  }

  async #ask(bucket: string): Promise<App> {
    const [info] = await Promise.all([this.#names.bucket(bucket), this.#onAsked()]);
    const hidden = new Set<string>();
    for (let after = ""; ; ) {
      const { objects, truncated, last } = await this.#names.list({
        ...{ bucket, prefix: HIDDEN_PREFIX, delimiter: "", after, limit: limits.listKeys },
      });
      for (const { key } of objects) hidden.add(key.slice(HIDDEN_PREFIX.length));
      if (!truncated || last === undefined) return { bucket, id: info.id, info, hidden };
      if (hidden.size > limits.fidHidden)
        throw new QuarryError(
          "TooLarge",
          `more than ${limits.fidHidden} fids are hidden in ${bucket}: remove some of them`,
        );
      after = last;
    }
  }
}
