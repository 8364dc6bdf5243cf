/**
 * Copies of the metadata in blocks are blobs like any other, so that sweep, compaction and collection
 * treat their needles as they do all; but their ids are their own, so that they are known by their
 * needles alone, when the metadata are lost:
 *
 *   2^52 + kind × 2^48 + index      kind 1 snapshot as of this entry, 2 entries of the log from this one on
 */
import { assert } from "../../base/errors.ts";
import type { BlobId, LogIndex } from "../../base/ids.ts";

export type CopyKind = "snapshot" | "log";

export const kinds = { snapshot: 1, log: 2 } as const satisfies Record<CopyKind, number>;

const FIRST = 2 ** 52;
const KIND = 2 ** 48;

/** Whether a blob id is none that a client was ever leased. */
export const isSystemBlob = (blob: BlobId) => blob >= FIRST;

export function copyBlob(kind: CopyKind, index: LogIndex): BlobId {
  assert(index < KIND, "the log has fewer entries than this");
  return (FIRST + kinds[kind] * KIND + index) as BlobId;
}

/** What an id says; undefined for one that is no copy's. */
export function copyOf(
  blob: BlobId,
): { readonly kind: CopyKind; readonly index: LogIndex } | undefined {
  if (!isSystemBlob(blob)) return undefined;
  const rest = blob - FIRST;
  const index = (rest % KIND) as LogIndex;
  switch (Math.floor(rest / KIND)) {
    case kinds.snapshot:
      return { kind: "snapshot", index };
    case kinds.log:
      return { kind: "log", index };
    default:
      return undefined;
  }
}
