/** Holds what the metadata say that blocks hold against what the blocks hold, both ways. */
import type { BlobId } from "../../base/ids.ts";
import { type InspectedBlock, ownersIn } from "../../dataserver/inspect.ts";
import { chunksOf, wholeRows } from "../../nameserver/audit/audit-blobs.ts";
import { isSystemBlob } from "../../nameserver/copies/copy-blobs.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { KeyReader, keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { BlobRow } from "../../nameserver/rows.ts";
import { isNamed } from "../../nameserver/workers/settle.ts";
import type { Chunk } from "../../rpc/objects.ts";
import type { FoundDevice } from "./devices.ts";
import type { OnFinding } from "./finding.ts";
import { holdingOf } from "./holding.ts";
import { tellLostNames } from "./lost-names.ts";

export interface Orphan extends Omit<Chunk, "crc32c"> {
  readonly blob: BlobId;
  readonly chunk: number;
  readonly from: InspectedBlock;
}

export interface CrossCheck {
  readonly needles: number;
  /** Names of which bytes are missing. */
  missing: number;
  /** Needles that their block lacks on one device and has on another. */
  readonly thin: number;
  /** Needles of bare fids, which no metadata name. */
  readonly free: number;
  /** Needles that nothing names, though they are of a blob; and their bytes. */
  readonly orphans: number;
  readonly orphanBytes: number;
  /** Needles of copies of the metadata that are not, or no more, known to these. */
  readonly copies: number;
  readonly unknownBlocks: number;
}

export interface CrossCheckOptions {
  readonly state: StateReader;
  readonly devices: readonly FoundDevice[];
  readonly onFinding: OnFinding;
  readonly onOrphan?: (orphan: Orphan) => void;
}

export async function crossCheck(options: CrossCheckOptions): Promise<CrossCheck> {
  const fromNames = await lookForNeedles(options);
  const fromNeedles = await lookForNames(options);
  const missing = await tellLostNames(options.state, fromNames.lost, options.onFinding);
  return { ...fromNeedles, thin: fromNames.thin, missing };
}

/** Bytes of each blob that no device has; and how many needles one member lacks and another has. */
async function lookForNeedles({
  state,
  devices,
}: CrossCheckOptions): Promise<{ readonly lost: Map<BlobId, number>; readonly thin: number }> {
  const byDevice = new Map(devices.map(({ device, blocks }) => [device, blocks]));
  const lost = new Map<BlobId, number>();
  let thin = 0;
  for await (const [key, head] of wholeRows<BlobRow>(state, "blob")) {
    const blob = new KeyReader(key).u56() as BlobId;
    // What waits for its collection may be gone already, or in part.
    if (head.refs === 0) continue;
    for (const chunk of chunksOf(state, blob, head)) {
      const row = read(state, keys.block(chunk.block));
      const holding = holdingOf(row, chunk, (device) => byDevice.get(device)?.get(chunk.block));
      if (holding === "lost") lost.set(blob, (lost.get(blob) ?? 0) + chunk.lengthBytes);
      else if (holding === "thin") thin++;
    }
  }
  return { lost, thin };
}

async function lookForNames({
  state,
  devices,
  onFinding,
  onOrphan,
}: CrossCheckOptions): Promise<Omit<CrossCheck, "missing" | "thin">> {
  let [needles, free, copies, orphans, orphanBytes, unknownBlocks] = [0, 0, 0, 0, 0, 0];
  const all = devices.flatMap(({ blocks }) => [...blocks]);
  for (const [id, block] of all) {
    needles += block.index.live;
    if (read(state, keys.block(id)) === undefined && block.index.live > 0) {
      unknownBlocks++;
      onFinding({ kind: "unknown block", path: block.path, block: id, needles: block.index.live });
    }
    for await (const { needle, blob, chunk, lengthBytes } of ownersIn(block)) {
      if (blob === 0) free++;
      else if (isNamed(state, id, { needle, blob, chunk })) continue;
      else if (isSystemBlob(blob)) copies++;
      else {
        orphans++;
        orphanBytes += lengthBytes;
        onOrphan?.({ block: id, needle, lengthBytes, blob, chunk, from: block });
      }
    }
  }
  return { needles, free, copies, orphans, orphanBytes, unknownBlocks };
}
