/** Makes metadata anew from the copies in blocks, and says what is missing. */
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NodeId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { InspectedBlock } from "../../dataserver/inspect.ts";
import { InspectedNeedles } from "../../dataserver/inspected-needles.ts";
import type { RecordHeader } from "../../dataserver/record.ts";
import type { Superblock } from "../../dataserver/superblock.ts";
import { Rebuilding } from "../../nameserver/backup/rebuilding.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { RUN_ENTRIES } from "../../nameserver/state-machine.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { type CrossCheck, crossCheck } from "../fsck/cross-check.ts";
import { deviceFolders, type FoundDevice, inspectDevices } from "../fsck/devices.ts";
import type { OnFinding } from "../fsck/finding.ts";
import { FoundCopies } from "./found-copies.ts";
import { Orphans, type Salvaged, salvage } from "./salvage.ts";

export interface RescueOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly devices: readonly string[];
  /** The nameserver's folder that is made. */
  readonly to: string;
  readonly node?: NodeId;
  readonly salvage: boolean;
  readonly keepOrphansMs: number;
  readonly onFinding: OnFinding;
  readonly onStep: (text: string) => void;
}

export interface Rescued {
  /** What the metadata are made from; undefined when no snapshot could be used. */
  readonly snapshot: { readonly index: number; readonly timeMs: number } | undefined;
  /** Up to this entry and its time. */
  readonly reached: { readonly index: number; readonly timeMs: number } | undefined;
  readonly check: CrossCheck | undefined;
  /** Blobs that nothing names. */
  readonly orphanBlobs: number;
  readonly salvaged: Salvaged | undefined;
  readonly damaged: boolean;
}

export async function rescue(options: RescueOptions): Promise<Rescued> {
  const { disk, onStep } = options;
  await using locks = new AsyncDisposableStack();
  const folders = await deviceFolders(disk, options.devices);
  for (const folder of folders) locks.use(await disk.lock(folder));
  onStep(`reading ${folders.join(", ")} …`);
  let damaged = false;
  const onFinding: OnFinding = (finding) => {
    damaged ||= finding.kind === "damage" || finding.kind === "problem";
    options.onFinding(finding);
  };
  const inspected = new InspectedNeedles();
  const copies = new FoundCopies(inspected);
  const saw = ({ block }: InspectedBlock, header: RecordHeader) => copies.saw(block, header);
  const devices = await inspectDevices(disk, folders, saw, onFinding);
  for (const { blocks } of devices) for (const block of blocks.values()) inspected.add(block);
  const problem = (text: string) => onFinding({ kind: "problem", text });
  // One that was being written when the store died is no harm; damaged needles are told of as such.
  const snapshot = await copies.newest((text) => onFinding({ kind: "note", text }));
  if (snapshot === undefined && !options.salvage) {
    const needles = devices.flatMap(({ blocks }) => [...blocks.values()]);
    problem(
      `no whole snapshot of the metadata is in these blocks (${needles.reduce((sum, { index }) => sum + index.live, 0)} needles were looked at)`,
    );
    return { ...nothing, damaged };
  }
  const { random, clock, to, node } = options;
  await using rebuilding = await Rebuilding.begin({
    ...{ disk, random, clock, directory: to },
    ...(node !== undefined && { node }),
  });
  if (snapshot !== undefined) {
    onStep(`taking the snapshot of entry ${snapshot.manifest.index} …`);
    for await (const piece of snapshot.pieces()) await rebuilding.take(piece);
    rebuilding.endRows();
    for await (const entries of copies.entriesAfter(snapshot.manifest, problem))
      for (let i = 0; i < entries.length; i += RUN_ENTRIES)
        await rebuilding.replay(entries.slice(i, i + RUN_ENTRIES));
  }
  const { index, timeMs } = rebuilding.head;
  const found = await settleWith(options, rebuilding, devices, inspected, onFinding);
  onStep("making it durable …");
  await rebuilding.finish();
  return {
    snapshot: snapshot && { index: snapshot.manifest.index, timeMs: snapshot.manifest.timeMs },
    reached: snapshot && { index, timeMs },
    ...found,
    damaged,
  };
}

const nothing = {
  snapshot: undefined,
  reached: undefined,
  check: undefined,
  orphanBlobs: 0,
  salvaged: undefined,
};

/** Tells the metadata what the devices hold, and looks for what is missing. */
async function settleWith(
  { clock, salvage: doSalvage, keepOrphansMs, onStep }: RescueOptions,
  rebuilding: Rebuilding,
  devices: readonly FoundDevice[],
  inspected: InspectedNeedles,
  onFinding: OnFinding,
): Promise<Pick<Rescued, "check" | "orphanBlobs" | "salvaged">> {
  await rebuilding.recover(keepOrphansMs);
  onStep("looking for what is missing …");
  const orphans = new Orphans();
  const { state } = rebuilding;
  const onOrphan = orphans.add.bind(orphans);
  const check = await crossCheck({ state, devices, onFinding, onOrphan });
  await tellBlocks(rebuilding, devices);
  if (!doSalvage) return { check, orphanBlobs: orphans.blobs, salvaged: undefined };
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+Z$/g, "");
  const bucket = `rescued-${stamp.toLowerCase().replace("t", "-")}`;
  const salvaged = await salvage(inspected, rebuilding, orphans, bucket);
  return { check, orphanBlobs: orphans.blobs, salvaged };
}

interface FoundBlock {
  readonly scheme: PoolScheme;
  /** Of a striped block: which writing of it. */
  readonly encoding?: number;
  /** By position of the piece. */
  readonly devices: (DeviceId | null)[];
  generation: number;
  sealed: boolean;
}

/** Whether a file is of the block as it was found so far: it was converted, or not, like that. */
function fits({ encoding, scheme }: FoundBlock, { salt, k, m, stripe }: Superblock): boolean {
  if (stripe !== undefined) return encoding === salt;
  return encoding === undefined && scheme.k === k && scheme.m === m;
}

/** Blocks that were opened or rewritten since. Known, they are swept once the time for orphans is over. */
async function tellBlocks(rebuilding: Rebuilding, devices: readonly FoundDevice[]): Promise<void> {
  const members = new Map<BlockId, FoundBlock>();
  for (const { device, blocks } of devices)
    for (const [block, { superblock, sealed }] of blocks) {
      if (device === undefined || superblock === undefined) continue;
      const { k, m, piece, salt, stripe, generation } = superblock;
      const before = members.get(block);
      if (before !== undefined && !fits(before, superblock) && generation <= before.generation)
        continue;
      const fresh = {
        ...{ scheme: { k, m }, devices: Array<DeviceId | null>(k + m).fill(null) },
        ...{ generation: 0, sealed: false, ...(stripe && { encoding: salt }) },
      };
      const known = before !== undefined && fits(before, superblock) ? before : fresh;
      if (superblock.generation >= known.generation) known.devices[piece] = device;
      known.generation = Math.max(known.generation, superblock.generation);
      known.sealed ||= sealed;
      members.set(block, known);
    }
  for (const [block, { scheme, devices: on, generation, sealed, encoding }] of members) {
    const row = read(rebuilding.state, keys.block(block));
    if (row !== undefined && row.generation >= generation) continue;
    const outcome = await rebuilding.giveAll([
      {
        ...{ type: "foundBlock", block, generation, sealed, scheme, members: on },
        ...(encoding !== undefined && { layout: "striped", encoding }),
      },
    ]);
    const refused = outcome.find((one) => "refusal" in one);
    if (refused !== undefined && "refusal" in refused) throw refused.refusal;
  }
  if (members.size === 0)
    throw new QuarryError("Damaged", "none of these folders holds a block that can be read");
}
