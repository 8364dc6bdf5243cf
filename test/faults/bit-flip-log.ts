/**
 * A member of a group is killed, and while it is away a bit flips in its log, its state or its vote
 * file. It says what it found; the others carry on meanwhile. From a harmed log or state it comes back
 * by itself, with what the others hold. Without its vote it must not come back under its number: here
 * the flip is taken back then.
 *
 *   npm run faults -- bit-flip-log --seconds 120 --seed 1
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../../raft/testing/dice.ts";
import { NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";
import { agree, until, untilBack } from "./watching.ts";

const KINDS = ["log", "state", "vote"] as const;
type Kind = (typeof KINDS)[number];

interface Found {
  flips: number;
  /** The nameserver said what it found. */
  told: number;
  /** It refused to start, or ended. */
  ended: number;
}

export interface BitFlipLogCounts extends LoadCounts {
  readonly failovers: number;
  /** What became of flips. Those that nobody tells of hit what is not read, or was never synced. */
  readonly flips: Readonly<Record<Kind, Found>>;
}

export async function bitFlipLog(options: {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<BitFlipLogCounts> {
  const { say = () => undefined } = options;
  await using group = await NameserverGroup.found(options.members);
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed: options.seed });
  const untilMs = performance.now() + options.seconds * 1000;
  const none = (): Found => ({ flips: 0, told: 0, ended: 0 });
  const flips = { log: none(), state: none(), vote: none() };
  let failovers = 0;
  for (let round = 0; performance.now() < untilMs && load.isWell; round++) {
    await sleep(load.dice.between(500, 2_000));
    const kind = KINDS[round % KINDS.length] ?? "log";
    const leader = await group.leader();
    const isLeader = load.dice.chance(0.5);
    const node = isLeader ? leader : (group.nodes.find((one) => one !== leader) ?? leader);
    if (isLeader) failovers++;
    load.mark();
    await group.end(node, load.dice.chance(0.5) ? "SIGKILL" : "SIGTERM");
    await load.acknowledgedAgain();
    const found = flips[kind];
    found.flips++;
    const flip = await flipOne(group.data(node), kind, load.dice);
    say(`nameserver ${node}, ${isLeader ? "leader" : "follower"}: ${flip.where}`);
    const { told, ended } = await comeBack(group, load, node, kind, flip);
    if (told !== undefined) found.told++;
    if (ended) found.ended++;
    say(`  ${told ?? "nobody noticed"}`);
  }
  await load.finish();
  await agree(group, load);
  return { ...load.counts(), failovers, flips };
}

interface Flip {
  readonly where: string;
  readonly undo: () => Promise<void>;
}

/** Starts a member until it follows again, and tells what it said. */
async function comeBack(
  group: NameserverGroup,
  load: GroupLoad,
  node: number,
  kind: Kind,
  { undo }: Flip,
): Promise<{ readonly told: string | undefined; readonly ended: boolean }> {
  const before = group.said(node).length;
  const said = () => group.said(node).slice(before);
  group.start(node);
  const follows = async () => ((await group.status(node))?.leader ?? 0) !== 0;
  await until(
    `nameserver ${node} follows or ends`,
    load,
    async () => !group.runs(node) || (await follows()),
  );
  const ended = !group.runs(node);
  if (kind === "vote") {
    // Whom it voted for is known to nobody else: it must not take part.
    if (!ended || !/vote is damaged/.test(said())) load.complain(`it takes part: ${said()}`);
    await undo();
  }
  if (ended) group.start(node);
  await untilBack(group, node, load);
  await untilRecovered(group, load, node);
  const told = said()
    .split("\n")
    .find((line) => /damaged|harmed|set aside/.test(line));
  if (ended && told === undefined) load.complain(`nameserver ${node} ended and said: ${said()}`);
  return { told, ended };
}

/** It votes again. Before that no other member may be taken away. */
async function untilRecovered(
  group: NameserverGroup,
  load: GroupLoad,
  node: number,
): Promise<void> {
  await until(`nameserver ${node} has what it lost`, load, async () => {
    if (!group.runs(node)) group.start(node);
    return (await group.status(node))?.isRecovering === false;
  });
}

/** Flips one bit of what a nameserver has written of this kind. */
async function flipOne(directory: string, kind: Kind, dice: Dice): Promise<Flip> {
  const path = kind === "vote" ? join(directory, "vote") : await anyFile(directory, kind, dice);
  const content = await readFile(path);
  // Behind the last byte that is not zero there is only room that was made ahead.
  let lengthBytes = content.length;
  while (lengthBytes > 0 && content[lengthBytes - 1] === 0) lengthBytes--;
  const at = dice.between(0, Math.max(0, lengthBytes - 1));
  const bit = dice.between(0, 7);
  const flipped = Buffer.from(content);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
  await writeFile(path, flipped);
  return {
    where: `bit ${bit} of byte ${at} of ${lengthBytes} in ${path.slice(directory.length + 1)}`,
    undo: () => writeFile(path, content),
  };
}

async function anyFile(directory: string, kind: "log" | "state", dice: Dice): Promise<string> {
  const wanted = kind === "log" ? /\.qlog$/ : /\.(ldb|log)$|MANIFEST|CURRENT|current$/;
  const found = (await readdir(join(directory, kind), { recursive: true, withFileTypes: true }))
    .filter((one) => one.isFile() && wanted.test(one.name))
    .map((one) => join(one.parentPath, one.name))
    .toSorted();
  const path = dice.pick(found);
  if (path === undefined) throw new Error(`${directory} has no ${kind}`);
  return path;
}
