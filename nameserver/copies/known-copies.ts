/** Which copies of the metadata the state names. */
import type { LogIndex } from "../../base/ids.ts";
import type { StateReader } from "../group/group.ts";
import { KeyReader, keys, prefixEnd } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { MetadataCopyRow } from "../rows.ts";
import type { CopyKind } from "./copy-blobs.ts";

export interface KnownCopy extends MetadataCopyRow {
  readonly kind: CopyKind;
  /** Of a snapshot the last entry in it, of a run of the log the first. */
  readonly index: LogIndex;
}

/** Snapshots that are kept: when the newest cannot be read, there is the one before. */
export const SNAPSHOTS_KEPT = 2;
const FIRST = 0 as LogIndex;
const INDEX_AT = 5;

export interface KnownCopies {
  /** Both from the oldest to the newest. */
  readonly snapshots: readonly KnownCopy[];
  readonly runs: readonly KnownCopy[];
}

export async function knownCopies(state: StateReader): Promise<KnownCopies> {
  return { snapshots: await all(state, "snapshot"), runs: await all(state, "log") };
}

async function all(state: StateReader, kind: CopyKind): Promise<KnownCopy[]> {
  const from = keys.metadataCopy(kind, FIRST);
  const prefix = from.slice(0, INDEX_AT);
  const found: KnownCopy[] = [];
  await using cursor = state.range(from, prefixEnd(prefix));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key, value } of page) {
      const row = decodeRow<MetadataCopyRow>(key, value);
      const index = kind === "snapshot" ? row.last : new KeyReader(key, INDEX_AT).u56();
      found.push({ ...row, kind, index: index as LogIndex });
    }
  return found;
}

const PAGE = 1_000;

/** Up to where copies reach without a gap: what they would bring back. */
export function reach({ snapshots, runs }: KnownCopies): LogIndex | undefined {
  const newest = snapshots.at(-1);
  if (newest === undefined) return undefined;
  let through = newest.last;
  for (const { index, last } of runs) if (index <= through + 1 && last > through) through = last;
  return through;
}

/** Copies that nobody needs any more: oldest first. */
export function surplus({ snapshots, runs }: KnownCopies): KnownCopy[] {
  const old = snapshots.slice(0, -SNAPSHOTS_KEPT);
  const oldest = snapshots.at(-SNAPSHOTS_KEPT) ?? snapshots[0];
  if (oldest === undefined) return [...runs];
  return [...old, ...runs.filter(({ last }) => last <= oldest.last)];
}
