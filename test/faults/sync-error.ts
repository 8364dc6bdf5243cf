/**
 * The disk of one nameserver cannot make anything durable any more (EIO of fsync and fdatasync), the
 * leader's or a follower's: it stops and says so, the others carry on, and it comes back.
 *
 *   npm run faults -- sync-error --seconds 60 --seed 1
 */
import { execFileSync } from "node:child_process";
import { mkdtempDisposable, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type GroupFaultOptions, sayAgain, underLoad, victimOf } from "./group-fault.ts";
import type { LoadCounts } from "./group-load.ts";
import { until, untilBack } from "./watching.ts";

export interface SyncErrorCounts extends LoadCounts {
  readonly failovers: number;
  /** Members that stopped and said why. */
  readonly stopped: number;
}

/** Makes the library that fails, in a folder; throws where there is no C compiler. */
function build(directory: string): string {
  const library = join(directory, "failing-sync.so");
  const source = join(import.meta.dirname, "failing-sync.c");
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, source], { stdio: "pipe" });
  return library;
}

export function whyNotPreloaded(): string | undefined {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return process.platform === "linux" ? undefined : "only Linux knows LD_PRELOAD";
  } catch (error) {
    return `the failing fsync is made with a C compiler: ${String(error)}`;
  }
}

export async function syncError(options: GroupFaultOptions): Promise<SyncErrorCounts> {
  await using directory = await mkdtempDisposable(join(tmpdir(), "quarry-sync-"));
  const library = build(directory.path);
  const switchOf = (node: number) => join(directory.path, `fails-${node}`);
  const environment = (node: number) => ({
    LD_PRELOAD: library,
    QUARRY_SYNC_FAILS: switchOf(node),
  });
  let failovers = 0;
  let stopped = 0;
  const counts = await underLoad(options, { environment }, async (scene) => {
    const { group, load } = scene;
    await sleep(load.dice.between(300, 1_500));
    const { node, isLeader } = await victimOf(scene);
    const saidBefore = group.said(node).length;
    load.mark();
    await writeFile(switchOf(node), "");
    const ended = group.ended(node);
    await until(`nameserver ${node} stops`, load, () => !group.runs(node));
    await load.acknowledgedAgain();
    await rm(switchOf(node));
    if (!load.isWell) return;
    const said = group.said(node).slice(saidBefore);
    if ((await ended) === 0 || !/sync of .* failed/.test(said))
      load.complain(`nameserver ${node} ended with ${await ended} and said: ${said}`);
    stopped++;
    if (isLeader) failovers++;
    group.start(node);
    await untilBack(group, node, load);
    options.say?.(sayAgain(isLeader, load));
  });
  return { ...counts, failovers, stopped };
}
