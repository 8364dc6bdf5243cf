/**
 * Millions of needles on one dataserver: what memory they take above that of an empty one, how long it
 * takes to start, after a clean end and after a kill, and whether they are all still there.
 *
 *   npm run faults -- many-needles --seed 1 --needles 10000000
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { type Dataserver, openDataserver } from "../../dataserver/dataserver.ts";
import { Dice } from "../../raft/testing/dice.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { needleChecksums } from "../../rpc/needle-checksums.ts";
import { blockTable } from "../../rpc/tables.ts";
import { Cluster } from "../cluster.ts";
import { inTurns } from "./corpus.ts";

const DATA_BYTES = 32;
const APPENDS_AT_ONCE = 1024;
const READS = 20_000;
/** The judgement is of ten million; a start takes as long with few. */
const JUDGED_FROM = 1_000_000;
const MOST_MB = 250;
const LONGEST_START_MS = 5_000;
/** Garbage of the start is collected by then. */
const SETTLES_MS = 3_000;

export interface ManyNeedlesCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly blocks: number;
  readonly emptyMb: number;
  readonly filledMb: number;
  /** After reads, too. */
  readonly usedMb: number;
  readonly emptyStartMs: number;
  readonly startMs: number;
  /** After SIGKILL. */
  readonly restartMs: number;
  readonly complaints: readonly string[];
}

interface Stored {
  /** By the order of appends, the block of each `APPENDS_AT_ONCE`. */
  readonly blocks: readonly number[];
}

export async function manyNeedles(options: {
  readonly needles: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<ManyNeedlesCounts> {
  const { needles, seed, say } = options;
  await using cluster = await Cluster.found({ nameservers: 1, dataservers: 1, gateways: 0 });
  await cluster.end("dataserver", 1, "SIGTERM");
  const empty = await started(cluster);
  await cluster.end("dataserver", 1, "SIGTERM");
  const begunMs = performance.now();
  const stored = await fill(join(cluster.folder(1), "device"), needles);
  const perSecond = Math.round((needles / (performance.now() - begunMs)) * 1000);
  const blocks = new Set(stored.blocks).size;
  say?.(`${needles} needles in ${blocks} blocks, ${perSecond} a second`);
  const filled = await started(cluster);
  say?.(`started in ${filled.startMs} ms, ${filled.mb - empty.mb} MB above an empty one`);
  const found = await readSome(cluster, stored, needles, new Dice(seed));
  const usedMb = await memoryOf(cluster);
  await cluster.end("dataserver", 1, "SIGKILL");
  const again = await started(cluster);
  const complaints = [...found.complaints];
  if (needles >= JUDGED_FROM) {
    const most = Math.max(filled.mb, usedMb, again.mb) - empty.mb;
    if (most >= MOST_MB) complaints.push(`${most} MB above an empty dataserver`);
    const longest = Math.max(filled.startMs, again.startMs);
    if (longest >= LONGEST_START_MS) complaints.push(`a start took ${longest} ms`);
  }
  return {
    acknowledged: needles,
    ...{ lost: found.lost, wrong: found.wrong, violations: complaints.length },
    blocks,
    ...{ emptyMb: empty.mb, filledMb: filled.mb, usedMb },
    ...{ emptyStartMs: empty.startMs, startMs: filled.startMs, restartMs: again.startMs },
    complaints: complaints.slice(0, 10),
  };
}

/** Starts the dataserver; it takes part from the end of `startMs` on. */
async function started(cluster: Cluster): Promise<{ startMs: number; mb: number }> {
  const begunMs = performance.now();
  cluster.start("dataserver", 1);
  await cluster.untilUp();
  const startMs = Math.round(performance.now() - begunMs);
  await sleep(SETTLES_MS);
  return { startMs, mb: await memoryOf(cluster) };
}

async function memoryOf(cluster: Cluster): Promise<number> {
  const status = await readFile(`/proc/${cluster.pid("dataserver", 1)}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1000);
}

/** Spread as random ids are, and known again from their number. */
function idOf(number: number): NeedleId {
  let id = BigInt.asUintN(64, BigInt(number + 1) * 0x9e37_79b9_7f4a_7c15n);
  id = BigInt.asUintN(64, (id ^ (id >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  id = BigInt.asUintN(64, (id ^ (id >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return (id ^ (id >> 31n)) as NeedleId;
}

function dataOf(needle: NeedleId): Buffer {
  const data = Buffer.allocUnsafe(DATA_BYTES);
  for (let at = 0; at < DATA_BYTES; at += 8) data.writeBigUInt64LE(needle, at);
  return data;
}

/** In this process, without waiting for the disk until the end. */
async function fill(directory: string, needles: number): Promise<Stored> {
  const seams = { disk: nodeDisk, clock: systemClock, random: systemRandom };
  await using server = await openDataserver({
    ...{ ...seams, directories: [directory], durability: "none" },
  });
  const [status] = await server.devices();
  if (status === undefined) throw new Error("there is a device");
  const { device } = status;
  const blocks: number[] = [];
  let block = 0;
  const nextBlock = async () => {
    if (block > 0) await server.sealBlock({ device, block: block as BlockId, generation: 1 });
    await server.createBlock({ device, block: ++block as BlockId, generation: 1 });
  };
  await nextBlock();
  for (let first = 0; first < needles; first += APPENDS_AT_ONCE) {
    const numbers = Array.from(
      { length: Math.min(APPENDS_AT_ONCE, needles - first) },
      (_, i) => first + i,
    );
    // A run that does not fit begins anew in the next block: what is left in this one is more needles.
    while (!(await appendRun(server, device, block, numbers))) await nextBlock();
    blocks.push(block);
  }
  return { blocks };
}

async function appendRun(
  server: Dataserver,
  device: DeviceId,
  block: number,
  numbers: readonly number[],
): Promise<boolean> {
  const owner = { blob: 1 as BlobId, chunk: 0 };
  const replies = await Promise.all(
    numbers.map((number) => {
      const needle = idOf(number);
      const data = dataOf(needle);
      const at = { device, block: block as BlockId, generation: 1, needle, owner };
      const checksums = needleChecksums(at.block, needle, data);
      return server.append({ ...at, lengthBytes: data.length, checksums }, data);
    }),
  );
  return replies.every(({ kind }) => kind === "stored");
}

async function readSome(cluster: Cluster, stored: Stored, needles: number, dice: Dice) {
  const found = { lost: 0, wrong: 0, complaints: [] as string[] };
  await using client = cluster.group.client();
  const { map } = await client.names.clusterMap(0);
  const [server] = map?.dataservers ?? [];
  const [device] = map?.devices ?? [];
  if (server === undefined || device === undefined) throw new Error("there is a dataserver");
  const [host = "", port = ""] = server.address.split(":");
  await using rpc = new RpcClient({
    ...{ address: { host, port: Number(port) }, secret: cluster.group.secret },
    ...{ clock: systemClock, random: systemRandom },
  });
  const blocks = connect(blockTable, rpc);
  const numbers = Array.from({ length: READS }, () => dice.between(0, needles - 1));
  await inTurns(numbers, 16, async (number) => {
    const needle = idOf(number);
    const block = stored.blocks[Math.floor(number / APPENDS_AT_ONCE)] as BlockId;
    const range = { offset: 0, lengthBytes: DATA_BYTES };
    const reply = await blocks.read({ device: device.device, block, needle, ...range });
    if (reply.kind === "data" && dataOf(needle).equals(reply.data)) return;
    found[reply.kind === "data" ? "wrong" : "lost"]++;
    found.complaints.push(`needle ${needle} of block ${block}: ${reply.kind}`);
  });
  return found;
}
