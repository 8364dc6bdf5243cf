/**
 * The store as one request may use it. What it changes is the bucket that it was judged by, never one
 * made meanwhile under the same name. What took long, as the bytes of a slow sender do, is judged
 * again before it counts: a key that was revoked, or a right that was taken away, ends what is under
 * way with it.
 */
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { linkName } from "../client/link.ts";
import type { Body, Store } from "../client/store.ts";
import type { Command } from "../rpc/commands.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { BucketInfo } from "../rpc/objects.ts";

export interface Judgement {
  readonly store: Store;
  readonly bucket: BucketInfo | undefined;
  readonly clock: Clock;
  /** Throws when the request is not allowed any more. */
  readonly judgeAgain: () => Promise<void>;
}

export function judgedStore(judgement: Judgement): Store {
  return new JudgedStore(judgement);
}

/** One for every request: what a request does not use is not made. */
class JudgedStore implements Store {
  readonly #judgement: Judgement;
  #judgedMs: number;
  #names: NameService | undefined;

  constructor(judgement: Judgement) {
    this.#judgement = judgement;
    this.#judgedMs = judgement.clock.monotonicMs();
  }

  get #store(): Store {
    return this.#judgement.store;
  }

  get names(): NameService {
    if (this.#names !== undefined) return this.#names;
    const { names } = this.#store;
    const execute: NameService["execute"] = async (command) => {
      await this.#stillAllowed();
      return await names.execute(speaksOfBucket(command) ? this.#meant(command) : command);
    };
    // Queries are inherited: to copy so many methods for each request would cost microseconds.
    this.#names = Object.assign(Object.create(names) as NameService, { execute });
    return this.#names;
  }

  get fids(): Store["fids"] {
    return this.#store.fids;
  }

  put(...[target, body, attributes]: Parameters<Store["put"]>): ReturnType<Store["put"]> {
    return this.#store.put(this.#meant(target), this.#held(body), attributes);
  }

  putPart(...[target, body, attributes]: Parameters<Store["putPart"]>): Promise<void> {
    return this.#store.putPart(this.#meant(target), this.#held(body), attributes);
  }

  splice(...[target, body]: Parameters<Store["splice"]>): ReturnType<Store["splice"]> {
    return this.#store.splice(this.#meant(target), body && this.#held(body));
  }

  link(request: Parameters<Store["link"]>[0]): ReturnType<Store["link"]> {
    return linkName(this, request);
  }

  open(target: Parameters<Store["open"]>[0]): ReturnType<Store["open"]> {
    return this.#store.open(target);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]();
  }

  get #isDue(): boolean {
    return this.#judgement.clock.monotonicMs() - this.#judgedMs >= limits.judgementMs;
  }

  async #stillAllowed(): Promise<void> {
    if (!this.#isDue) return;
    await this.#judgement.judgeAgain();
    this.#judgedMs = this.#judgement.clock.monotonicMs();
  }

  #meant<Named extends { readonly bucket: string }>(named: Named): Named {
    const { bucket } = this.#judgement;
    if (bucket === undefined || named.bucket !== bucket.name) return named;
    return { ...named, bucketId: bucket.id };
  }

  #held(body: Body): Body {
    const stillAllowed = () => this.#stillAllowed();
    const bytes = { [Symbol.asyncIterator]: () => heldBytes(body.bytes, stillAllowed) };
    const { whole } = body;
    if (whole === undefined) return { ...body, bytes };
    const heldWhole = async () => {
      const all = await whole();
      if (this.#isDue) await stillAllowed();
      return all;
    };
    return { ...body, bytes, whole: heldWhole };
  }
}

function speaksOfBucket(
  command: Command,
): command is Exclude<Extract<Command, { bucket: string }>, { type: "createBucket" }> {
  return "bucket" in command && command.type !== "createBucket";
}

/** The bytes, which end only if they may. */
async function* heldBytes(
  bytes: AsyncIterable<Uint8Array>,
  stillAllowed: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  yield* bytes;
  await stillAllowed();
}
