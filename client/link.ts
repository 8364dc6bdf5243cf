/**
 * One content, many names: a stored file gets another name, of the same face or of another, and no
 * bytes are moved. Each name holds the content; the last one that goes lets go of it. The target's
 * description is what its face needs; rights are not linked: the target's bucket decides who may.
 */
import { hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { keyOfFid, type LinkSource, type LinkTarget, type NewFid, sourceOf } from "./link-names.ts";
import { placeOf } from "./link-place.ts";
import type { Store } from "./store.ts";

export interface LinkRequest {
  readonly from: LinkSource;
  readonly to: LinkTarget;
}

/** The new name, which is a key of its bucket whatever its face. */
export interface Link {
  readonly bucket: string;
  readonly key: string;
  /** Of a stream. */
  readonly id?: unknown;
  /** Of a fid: its name, with the suffix. */
  readonly fid?: string;
}

/** What `link` of a {@link Store} does. @throws QuarryError `NoSuchKey`, `NoSuchVersion`, `NoSuchBucket`. */
export async function linkName(store: Store, { from, to }: LinkRequest): Promise<Link> {
  if (!("suffix" in to)) return await linkKey(store, from, to);
  const { bucket, suffix } = to;
  const { name: fid } = await store.fids.link(await sourceOf(store, from), { bucket, suffix });
  return { bucket, key: keyOfFid(fid), fid };
}

async function linkKey(
  store: Store,
  from: LinkSource,
  to: Exclude<LinkTarget, NewFid>,
): Promise<Link> {
  const { names } = store;
  const { bucket } = to;
  for (let attempt = 1; ; attempt++) {
    const source = await sourceOf(store, from);
    const opened = await store.open({ ...source, offset: 0 });
    const { object } = opened;
    if (object.deleteMarker) throw new QuarryError("NoSuchKey", `${source.key} was deleted`);
    const { modifiedMs, attributes } = object;
    const seen = { etag: attributes.etag, modifiedMs };
    const { key, id, isNew, change } = await placeOf(to, opened);
    try {
      await names.execute({
        ...{ type: "copyObject", bucket, key, source: { ...source, seen } },
        change,
        ...(isNew && { conditions: { ifNoneMatch: "*" } }),
      });
      return { bucket, key, ...(id !== undefined && { id }) };
    } catch (error) {
      // What was replaced between the look and the command is looked at again.
      if (!hasCode(error, "Changed") || attempt >= limits.retries) throw error;
    }
  }
}
