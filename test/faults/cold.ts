/**
 * Small files in a pool whose cold blocks become stripes: they take hardly more room than the scheme
 * of the stripes says, a read asks one device, and any m members may be killed.
 *
 *   npm run faults -- cold --seconds 3600 --seed 1 --objects 1000000
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import { Devices } from "../../client/devices.ts";
import { storedFile } from "../../dataserver/file-names.ts";
import { recordBytes } from "../../dataserver/record.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { Cluster } from "../cluster.ts";
import { type Census, takeCensus, untilWhole } from "./census.ts";
import {
  type ClusterFaultOptions,
  type ClusterScene,
  choicesOf,
  parseScheme,
  stage,
} from "./cluster-fault.ts";
import { type Corpus, contentFor, ReadTally } from "./corpus.ts";
import { sealAll } from "./grow.ts";
import type { Quantiles } from "./progress.ts";

const FILE_BYTES = 4096;
const AFTER_MS = 1_000;
const LOOK_MS = 1_000;
/** Blocks with fewer needles for each range may be left whole: ranges of them would be mostly padding. */
const FILLS_FROM = 4;
const MOST_RATIO = 1.6;
/** A few at the border of a range are looked for next door, or hedged on a busy machine. */
const MOST_ASKED = 1.05;
/** Of fewer the first bytes of files and what is written ahead count for much. */
const JUDGED_FROM = 100_000;
/** Each waits for its copies to be durable: many share that. */
const STORED_AT_ONCE = 48;
const SAMPLE = 500;
const SAID_EVERY_MS = 20_000;

export interface ColdCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly blocks: number;
  /** Whole since they have too few needles; what they take counts as all else. */
  readonly leftWhole: number;
  readonly stripedMs: number;
  /** What files of stripes take, and that by the bytes in them: beside the files copies of the metadata. */
  readonly stripedMb: number;
  readonly ratio: number;
  /** What all files of blocks take, and that by the bytes of what was stored alone. */
  readonly allMb: number;
  readonly ratioOfAll: number;
  /** Of a sample of reads: how many devices each asked, on average. */
  readonly devicesAsked: number;
  /** Reads with all there, and with m killed. */
  readonly healthyMs: Quantiles;
  readonly degradedMs: Quantiles;
  readonly complaints: readonly string[];
}

export async function cold(
  options: ClusterFaultOptions & { readonly objects: number },
): Promise<ColdCounts> {
  const scheme = parseScheme(options.scheme);
  const pool = { cold: { scheme, afterMs: AFTER_MS } };
  await using scene = await stage({ ...options, scheme: `1+${scheme.m}`, pool });
  const { cluster, corpus, dice } = scene;
  const complaints: string[] = [];
  await corpus.fill(
    "",
    Array.from({ length: options.objects }, () => FILE_BYTES),
    STORED_AT_ONCE,
  );
  options.say?.(`${corpus.acknowledged} files are stored`);
  await sealAll(scene);
  const begunMs = performance.now();
  const left = await untilStriped(scene, options);
  const stripedMs = Math.round(performance.now() - begunMs);
  if (left > 0) complaints.push(`${left} blocks are not striped`);
  const { census, troubles } = await untilWhole(cluster, 60_000, options.say);
  complaints.push(...troubles.slice(0, 5));
  const stored = await bytesIn(cluster, census);
  const ratio = stored.stripedBytes / contentIn(census);
  if (options.objects >= JUDGED_FROM && ratio > MOST_RATIO)
    complaints.push(`${ratio.toFixed(3)} times the data`);
  const devicesAsked = await askedBy(cluster, corpus, dice, complaints);
  if (devicesAsked > MOST_ASKED) complaints.push(`a read asks ${devicesAsked} devices`);
  const healthy = await corpus.readAll();
  const degraded = new ReadTally();
  for (const n of choicesOf(cluster.dataservers, scheme.m, dice)[0] ?? [])
    await cluster.end("dataserver", n, "SIGKILL");
  await corpus.readAll(degraded);
  for (const tally of [healthy, degraded]) {
    complaints.push(...tally.complaints);
    for (const [said, times] of tally.refused) complaints.push(`${times} reads got ${said}`);
  }
  const violations = complaints.length;
  if (violations > 0) complaints.push(cluster.group.output.slice(-2_000));
  return {
    acknowledged: corpus.acknowledged,
    ...{ lost: healthy.lost + degraded.lost, wrong: healthy.wrong + degraded.wrong, violations },
    ...{ blocks: census.blocks.length, leftWhole: wholeIn(census), stripedMs },
    ...{ stripedMb: Math.round(stored.stripedBytes / 1e6), ratio: thousandths(ratio) },
    allMb: Math.round(stored.allBytes / 1e6),
    ratioOfAll: thousandths(stored.allBytes / corpus.totalBytes),
    devicesAsked: thousandths(devicesAsked),
    ...{ healthyMs: healthy.quantiles, degradedMs: degraded.quantiles },
    complaints: complaints.slice(0, 12),
  };
}

/** Blocks that fill stripes and are none when the time is over. */
async function untilStriped(
  { cluster, pools }: ClusterScene,
  { seconds, scheme, say }: ClusterFaultOptions,
): Promise<number> {
  const untilMs = performance.now() + seconds * 1000;
  const leastNeedles = FILLS_FROM * parseScheme(scheme).k;
  let saidMs = performance.now();
  for (;;) {
    const { blocks } = await takeCensus(cluster);
    // Copies of the metadata go to blocks that are open yet.
    const left = blocks.filter(
      ({ row, held }) =>
        row?.layout === "whole" &&
        row.pool === pools.small &&
        [...held.values()].some(({ needles, sealed }) => needles >= leastNeedles && sealed),
    );
    if (left.length === 0 || performance.now() > untilMs) return left.length;
    if (performance.now() - saidMs > SAID_EVERY_MS) {
      saidMs = performance.now();
      const which = left.map(({ block, held }) => {
        const needles = [...held.values()].map(
          (one) => `${one.needles}${one.sealed ? "" : " open"}`,
        );
        return `${block} (${needles.join(", ")})`;
      });
      say?.(`not striped yet, of ${blocks.length} blocks: ${which.slice(0, 8).join("; ")}`);
    }
    await sleep(LOOK_MS);
  }
}

/** Blocks with needles that are no stripes. */
const wholeIn = ({ blocks }: Census): number =>
  blocks.filter(
    ({ row, held }) =>
      row?.layout === "whole" && [...held.values()].some(({ needles }) => needles > 0),
  ).length;

const thousandths = (ratio: number) => Math.round(ratio * 1000) / 1000;

/** Bytes of the needles in stripes, without what stands around them. */
function contentIn({ blocks }: Census): number {
  const around = recordBytes(FILE_BYTES) - FILE_BYTES;
  return blocks
    .filter(({ row }) => row?.layout === "striped")
    .flatMap(({ held }) => [...held.values()].slice(0, 1))
    .reduce((sum, { needles, liveBytes }) => sum + liveBytes - needles * around, 0);
}

/** Of all files of blocks. */
async function bytesIn(cluster: Cluster, { blocks }: Census) {
  const striped = new Set(
    blocks.filter(({ row }) => row?.layout === "striped").map(({ block }) => block),
  );
  const bytes = { stripedBytes: 0, allBytes: 0 };
  for (const n of cluster.dataservers) {
    const folder = join(cluster.folder(n), "device");
    for (const name of await readdir(folder)) {
      const file = storedFile(name);
      if (file === undefined) continue;
      const { size } = await stat(join(folder, name));
      bytes.allBytes += size;
      if ("block" in file && striped.has(file.block)) bytes.stripedBytes += size;
    }
  }
  return bytes;
}

/** Devices that a read asks, by a client of its own. */
async function askedBy(
  cluster: Cluster,
  corpus: Corpus,
  dice: Dice,
  complaints: string[],
): Promise<number> {
  await using client = cluster.group.client();
  const { names } = client;
  const { secret } = cluster.group;
  await using devices = new Devices({ names, secret, clock: systemClock, random: systemRandom });
  let asked = 0;
  await using store = createClient({
    names,
    serviceOf: (device) => {
      const service = devices.serviceOf(device);
      return {
        ...service,
        read: (request) => {
          asked++;
          return service.read(request);
        },
        readStripe: (request) => {
          asked++;
          return service.readStripe(request);
        },
      };
    },
    ...{ clock: systemClock, random: systemRandom },
  });
  const keys = [...corpus.entries.keys()];
  const count = Math.min(SAMPLE, keys.length);
  for (let n = 0; n < count; n++) {
    const key = dice.pick(keys) ?? "";
    const opened = await store.open({ bucket: "corpus", key, offset: 0 });
    const parts: Uint8Array[] = [];
    for await (const part of opened.read(0, FILE_BYTES)) parts.push(Buffer.from(part));
    if (!contentFor(key, FILE_BYTES).equals(Buffer.concat(parts)))
      complaints.push(`${key} is read with other bytes`);
  }
  return asked / count;
}
