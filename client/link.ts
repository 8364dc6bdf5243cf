/**
 * One content, many names: a stored file gets another name, of the same face or of another, and no
 * bytes are moved. Each name holds the content; the last one that goes lets go of it. The target's
 * description is what its face needs; rights are not linked: the target's bucket decides who may.
 */
import { assert, hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type LinkSource, type LinkTarget, placeOf, sourceOf } from "./link-names.ts";
import type { Store } from "./store.ts";

export interface LinkRequest {
  readonly from: LinkSource;
  readonly to: LinkTarget;
}

export interface Link {
  readonly bucket: string;
  readonly key: string;
  /** Of a link that is a stream. */
  readonly id?: unknown;
  readonly version: string;
  readonly modifiedMs: number;
}

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`, `NoSuchBucket`. */
export async function linkName(store: Store, { from, to }: LinkRequest): Promise<Link> {
  const { names } = store;
  const { bucket } = to;
  const { key, id, isNew, describe } = placeOf(to);
  for (let attempt = 1; ; attempt++) {
    const source = await sourceOf(store, from);
    const { object } = await names.lookup(source);
    if (object.deleteMarker) throw new QuarryError("NoSuchKey", `${source.key} was deleted`);
    const { modifiedMs, attributes } = object;
    const seen = { etag: attributes.etag, modifiedMs };
    try {
      const copied = await names.execute({
        ...{ type: "copyObject", bucket, key, source: { ...source, seen } },
        change: describe(attributes),
        ...(isNew && { conditions: { ifNoneMatch: "*" } }),
      });
      assert(copied.type === "copied", "copyObject answers with the copy");
      const { version, modifiedMs: linkedMs } = copied;
      return { bucket, key, ...(isNew && { id }), version, modifiedMs: linkedMs };
    } catch (error) {
      // What was replaced between the look and the command is looked at again.
      if (!hasCode(error, "Changed") || attempt >= limits.retries) throw error;
    }
  }
}
