/**
 * No room is left for one nameserver, the leader or a follower: it says so, the others carry on, and
 * when there is room again it follows, by itself or started anew.
 *
 *   npm run faults -- full-disk --seconds 60 --seed 1
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mountMemory, type PrivateMount } from "../bad-input/private-mount.ts";
import type { NameserverGroup } from "../nameserver-group.ts";
import { type GroupFaultOptions, sayAgain, underLoad, victimOf } from "./group-fault.ts";
import type { LoadCounts } from "./group-load.ts";
import { until, untilBack } from "./watching.ts";

const DISK_MIB = 192;
/** How long it stays full. */
const FULL_MS = 2_000;
/** And how long a nameserver takes to notice that it is not, or to end. */
const SETTLES_MS = 10_000;

export interface FullDiskCounts extends LoadCounts {
  readonly failovers: number;
  /** Disks that were filled, and nameservers that stopped over it. */
  readonly filled: number;
  readonly stopped: number;
}

export async function fullDisk(options: GroupFaultOptions): Promise<FullDiskCounts> {
  await using disks = new AsyncDisposableStack();
  const mounts = new Map<number, PrivateMount>();
  for (let node = 1; node <= options.members; node++)
    mounts.set(node, disks.use(await mountMemory(DISK_MIB)));
  const places = {
    within: (node: number) => mounts.get(node)?.within ?? [],
    data: (node: number) => mounts.get(node)?.path,
  };
  let failovers = 0;
  let filled = 0;
  let stopped = 0;
  const counts = await underLoad(options, places, async (scene) => {
    const { group, load } = scene;
    await sleep(load.dice.between(300, 1_500));
    const { leader, node, isLeader } = await victimOf(scene);
    const saidBefore = group.said(node).length;
    const said = () => group.said(node).slice(saidBefore);
    const ballast = join(mounts.get(node)?.seenFrom ?? "", "ballast");
    await fill(ballast);
    load.mark();
    await until(`nameserver ${node} says that its disk is full`, load, () =>
      /disk of the metadata/.test(said()),
    );
    await load.acknowledgedAgain();
    await sleep(FULL_MS);
    await rm(ballast);
    filled++;
    if (!load.isWell) return;
    await settled(group, node, said);
    if (!group.runs(node)) {
      stopped++;
      group.start(node);
    }
    await untilBack(group, node, load);
    if ((await group.leader()) !== leader) failovers++;
    options.say?.(sayAgain(isLeader, load));
  });
  return { ...counts, failovers, filled, stopped };
}

/** Takes all the room there is. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (let bytes = 1024 * 1024; bytes >= 1; )
    try {
      await file.write(Buffer.alloc(bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      bytes = Math.floor(bytes / 2);
    }
}

/** The nameserver has either ended, or goes on because there is room again. */
async function settled(group: NameserverGroup, node: number, said: () => string): Promise<void> {
  const isOver = () => !group.runs(node) || /there is room/.test(said());
  for (const untilMs = performance.now() + SETTLES_MS; performance.now() < untilMs && !isOver(); )
    await sleep(50);
}
