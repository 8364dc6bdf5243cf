/** The load, a process of its own: puts of names with one small chunk, or what a GET asks first. */
import { systemClock } from "../../base/clock.ts";
import type { BlobId, BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { keyUnder, putCommand } from "../../cli/bench/micro/put-command.ts";
import { percentile } from "../../cli/bench/statistics.ts";
import { LeaderNames } from "../../client/leader.ts";
import { type LoadCounts, type LoadOrder, secret } from "./messages.ts";

const bucket = "bench";
const accessKey = "BENCHBENCHBENCHBENCH";
const READ_KEYS = 1000;

const {
  ports,
  work,
  seconds,
  lanes,
  rate,
  prefix,
  filled = 0,
} = JSON.parse(process.argv[2] ?? "") as LoadOrder;
const leader = new LeaderNames({
  ...{ secret, clock: systemClock, random: systemRandom },
  addresses: ports.map((port) => ({ host: "127.0.0.1", port })),
});
const { names } = leader;

/** Blob ids as a gateway leases them. */
const leased = { next: 0, end: 0 };
async function blobId(): Promise<BlobId> {
  while (leased.next >= leased.end) {
    leasing ??= names.leaseBlobs(limits.blobLease).then((first) => {
      leased.next = first;
      leased.end = first + limits.blobLease;
      leasing = undefined;
    });
    await leasing;
  }
  return leased.next++ as BlobId;
}
let leasing: Promise<void> | undefined;

const keyOf = (i: number) => keyUnder(prefix, i);

async function put(block: BlockId, i: number): Promise<void> {
  const blob = await blobId();
  await names.execute(putCommand(bucket, keyOf(i), blob, block));
}

async function get(i: number): Promise<void> {
  await names.access({ accessKey, bucket });
  await names.lookup({ bucket, key: keyOf(i % READ_KEYS), offset: 0 });
}

/** Far apart from one call to the next. */
const anyFilled = (i: number) => keyUnder("filled", 1 + ((i * 7_919_317) % filled));

async function lookUpFilled(i: number): Promise<void> {
  await names.lookup({ bucket, key: anyFilled(i), offset: 0 });
}

async function list(i: number): Promise<void> {
  const { objects } = await names.list({
    ...{ bucket, prefix: "", delimiter: "", after: anyFilled(i), limit: 1000 },
  });
  if (objects.length === 0) throw new Error("nothing is listed");
}

async function prepare(): Promise<BlockId> {
  const exists = await names.bucket(bucket).catch(() => undefined);
  if (exists === undefined) {
    await names.execute({ type: "createBucket", bucket, owner: "bench" });
    await names.execute({ type: "putUser", user: { id: "bench", displayName: "Bench" } });
    const secretKey = "s".repeat(40);
    await names.execute({ type: "putAccessKey", user: "bench", accessKey, secretKey });
  }
  const [open] = await names.openBlocks(0);
  if (open === undefined) throw new Error("there is no open block");
  if (work === "read")
    await Promise.all(Array.from({ length: READ_KEYS }, (_, i) => put(open.block, i)));
  return open.block;
}

const times: number[] = [];
async function timed(work: () => Promise<void>, dueMs: number): Promise<void> {
  await work();
  times.push(performance.now() - dueMs);
}

/** Each lane begins its next when its last is answered. */
async function asFastAsItGoes(one: (i: number) => Promise<void>, untilMs: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (performance.now() < untilMs) await timed(() => one(next++), performance.now());
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Begun at their times; who waits for a free lane has waited from its time on. */
async function atRate(
  one: (i: number) => Promise<void>,
  fromMs: number,
  untilMs: number,
  perSecond: number,
): Promise<void> {
  const dueOf = (i: number) => fromMs + (i * 1000) / perSecond;
  let next = 0;
  let underWay = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const step = () => {
    const nowMs = performance.now();
    for (; underWay < lanes && dueOf(next) <= Math.min(nowMs, untilMs); next++) {
      const i = next;
      underWay++;
      timed(() => one(i), dueOf(i)).then(() => {
        underWay--;
        if (nowMs > untilMs && underWay === 0) resolve();
      }, reject);
    }
    if (nowMs <= untilMs || underWay > 0) setTimeout(step, 1);
    else resolve();
  };
  step();
  await promise;
}

const block = await prepare();
const works = { put: (i: number) => put(block, i), read: get, filled: lookUpFilled, list };
const one = works[work];
process.send?.("ready");
await new Promise((go) => process.once("message", go));
const before = process.cpuUsage();
const fromMs = performance.now();
const untilMs = fromMs + seconds * 1000;
if (rate === undefined) await asFastAsItGoes(one, untilMs);
else await atRate(one, fromMs, untilMs, rate);
const took = (performance.now() - fromMs) / 1000;
const { user, system } = process.cpuUsage(before);
times.sort((a, b) => a - b);
const counts: LoadCounts = {
  done: times.length,
  seconds: took,
  cpuMicros: user + system,
  p50Ms: percentile(times, 0.5),
  p99Ms: percentile(times, 0.99),
  mostMs: percentile(times, 1),
};
process.send?.(counts, () => process.disconnect?.());
await leader[Symbol.asyncDispose]();
