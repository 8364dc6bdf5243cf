/**
 * The disk of one nameserver cannot make anything durable any more (EIO of fsync and fdatasync), the
 * leader's or a follower's: it stops and says so, the others carry on, and it comes back.
 *
 *   npm run faults -- sync-error --seconds 60 --seed 1
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";
import { agree, until, untilBack } from "./watching.ts";

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

export async function syncError(options: {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<SyncErrorCounts> {
  const directory = mkdtempSync(join(tmpdir(), "quarry-sync-"));
  try {
    return await run(options, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function run(
  options: Parameters<typeof syncError>[0],
  directory: string,
): Promise<SyncErrorCounts> {
  const library = build(directory);
  const switchOf = (node: number) => join(directory, `fails-${node}`);
  await using group = await NameserverGroup.found(options.members, {
    environment: (node) => ({ LD_PRELOAD: library, QUARRY_SYNC_FAILS: switchOf(node) }),
  });
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed: options.seed });
  const untilMs = performance.now() + options.seconds * 1000;
  let failovers = 0;
  let stopped = 0;
  do {
    await sleep(load.dice.between(300, 1_500));
    const leader = await group.leader();
    const isLeader = stopped % 2 === 0;
    const node = isLeader ? leader : (group.nodes.find((one) => one !== leader) ?? leader);
    const saidBefore = group.said(node).length;
    load.mark();
    await writeFile(switchOf(node), "");
    const ended = group.ended(node);
    await until(`nameserver ${node} stops`, load, () => !group.runs(node));
    await load.acknowledgedAgain();
    await rm(switchOf(node));
    if (!load.isWell) break;
    const said = group.said(node).slice(saidBefore);
    if ((await ended) === 0 || !/sync of .* failed/.test(said))
      load.complain(`nameserver ${node} ended with ${await ended} and said: ${said}`);
    stopped++;
    if (isLeader) failovers++;
    group.start(node);
    await untilBack(group, node, load);
    const { lastFirstMs } = load.progress;
    options.say?.(
      `${isLeader ? "leader" : "follower"}: acknowledged again after ${lastFirstMs} ms`,
    );
  } while (performance.now() < untilMs && load.isWell);
  await load.finish();
  await agree(group, load);
  return { ...load.counts(), failovers, stopped };
}
