/**
 * Everything at once, at random, for a long time: dataservers, gateways and nameservers are killed,
 * paused, cut off, filled and corrupted, within what the pools can do without, while clients write
 * (also with conditions), read, list and delete. In the end nothing is lost, wrong or back from the
 * dead, and what nobody names is swept.
 *
 *   npm run faults -- chaos --seconds 3600 --seed 1
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { QuarryError } from "../../base/errors.ts";
import { fsck } from "../../cli/fsck/fsck.ts";
import type { Cluster } from "../cluster.ts";
import { takeCensus, untilWhole } from "./census.ts";
import { type ClusterFaultOptions, type ClusterScene, stage } from "./cluster-fault.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { HealthWatch } from "./health-watch.ts";
import {
  begin,
  CAPACITY_BYTES,
  corrupt,
  type Mischief,
  type RoleName,
  type Stage,
} from "./mischief.ts";
import { isInside, PrivateNetwork, runInside, whyNotPrivate } from "./private-network.ts";
import { harmedIn } from "./rotten.ts";
import { Contents, mixedContents, S3Registers } from "./s3-registers.ts";
import { sumOf } from "./s3-wire.ts";

const NAMESERVERS = 3;
const GATEWAYS = 2;
const CLIENTS = 4;
const SCRUB = ["--scrub", "100", "--scrub-every", "5s", "--first-scrub", "100"];
const WHOLE_WITHIN_MS = 420_000;
/** Time for two looks. */
const LOOKS_MS = 1_000;
/** So often dataservers are left alone until all is whole, and one may be corrupted; for so long at most. */
const CALM_EVERY_MS = 240_000;
const CALM_MS = 120_000;

export interface ChaosOptions extends ClusterFaultOptions {
  /** How long to wait for what nobody names to be swept; 0: that is not judged. */
  readonly sweepSeconds: number;
}

export interface ChaosCounts extends LoadCounts {
  readonly resurrected: number;
  /** By what was done to whom. */
  readonly mischief: Readonly<Record<string, number>>;
  readonly health: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  /** From the last mischief until all was whole. */
  readonly wholeMs: number;
  /** Needles in the end, and those of them that nobody names. */
  readonly needles?: number;
  readonly orphans?: number;
}

/** In a network of its own, where one can be made. */
export async function chaos(options: ChaosOptions): Promise<ChaosCounts> {
  const { seconds, seed, scheme, hosts, sweepSeconds, say = () => undefined } = options;
  const why = whyNotPrivate();
  if (isInside()) return await unleash(options, new PrivateNetwork(NAMESERVERS + hosts + GATEWAYS));
  if (why !== undefined) {
    say(`no links are cut: ${why}`);
    return await unleash(options, undefined);
  }
  const given = { seconds, seed, scheme, hosts, sweep: sweepSeconds };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return (await runInside(["chaos", ...args], say)) as ChaosCounts;
}

async function unleash(
  options: ChaosOptions,
  network: PrivateNetwork | undefined,
): Promise<ChaosCounts> {
  const { seed, say = () => undefined } = options;
  const hostOf = (role: RoleName, n: number) =>
    n + { nameserver: 0, dataserver: NAMESERVERS, gateway: NAMESERVERS + options.hosts }[role];
  const size = { nameservers: NAMESERVERS, gateways: GATEWAYS };
  const flags = [...SCRUB, "--capacity", `${CAPACITY_BYTES / 2 ** 30}GiB`];
  await using scene = await stage(
    { ...options, ...size },
    { dataserverFlags: flags, ...(network && placesIn(network, hostOf)) },
  );
  const { cluster, dice } = scene;
  const contents = new Contents(mixedContents);
  const clients = Array.from(
    { length: CLIENTS },
    (_, i) => new S3Registers(cluster.endpoint((i % GATEWAYS) + 1), contents),
  );
  const load = await GroupLoad.begin({ clients, seed, writers: CLIENTS, meeting: CLIENTS });
  const done = new Map<string, number>();
  let health: Record<string, number> = {};
  {
    await using watch = new HealthWatch(cluster);
    const untilMs = performance.now() + options.seconds * 1000;
    const going = new Map<string, Mischief>();
    const stageOf = { cluster, dice, network, hostOf };
    let calmFromMs = performance.now() + CALM_EVERY_MS;
    while (performance.now() < untilMs && load.isWell) {
      const nowMs = performance.now();
      await endDue(going, nowMs, say);
      const begun = await beginAny(stageOf, scene, going, watch, nowMs >= calmFromMs);
      if (begun?.what === "corrupt" || nowMs >= calmFromMs + CALM_MS)
        calmFromMs = nowMs + CALM_EVERY_MS;
      if (begun !== undefined) {
        const what = `${begun.what} ${begun.role}`;
        done.set(what, (done.get(what) ?? 0) + 1);
        say(`${what} ${begun.n}`);
      }
      await sleep(dice.between(100, 1_000));
    }
    await endDue(going, Number.POSITIVE_INFINITY, say);
    health = Object.fromEntries(watch.said);
  }
  const endedMs = performance.now();
  await cluster.untilUp();
  const { troubles } = await untilWhole(cluster, WHOLE_WITHIN_MS, say, { digests: false });
  const wholeMs = Math.round(performance.now() - endedMs);
  for (const what of troubles.slice(0, 5)) load.complain(`in the end not whole: ${what}`);
  await load.finish();
  for (const client of clients) client.close();
  const refusals = sumOf(clients.map((one) => one.refusals));
  if (Object.keys(refusals).some((what) => what.startsWith("500")))
    load.complain(`requests failed for no known reason: ${failuresIn(cluster)}`);
  const swept = options.sweepSeconds > 0 && (await sweep(cluster, options, load));
  if (load.complaints().length > 0) load.complain(cluster.group.output.slice(-2_000));
  return {
    ...{ ...load.counts(), resurrected: load.own.model.resurrected },
    ...{ mischief: Object.fromEntries(done), health, refusals, wholeMs, ...(swept || {}) },
  };
}

/** A 500 is nobody's mischief: what the gateways wrote of it, as far as it was kept. */
function failuresIn({ output, group }: Cluster): string {
  const lines = `${output}\n${group.output}`.split("\n");
  return lines
    .filter((line) => line.includes('"request failed"'))
    .slice(0, 5)
    .join("\n");
}

function placesIn(network: PrivateNetwork, hostOf: Stage["hostOf"]) {
  const at = (role: RoleName, n: number) => {
    const host = hostOf(role, n);
    return { host: network.address(host).host, within: network.within(host) };
  };
  return {
    at,
    places: {
      address: (n: number) => network.address(hostOf("nameserver", n)),
      within: (n: number) => network.within(hostOf("nameserver", n)),
    },
  };
}

async function endDue(
  going: Map<string, Mischief>,
  nowMs: number,
  say: (line: string) => void,
): Promise<void> {
  for (const [name, { untilMs, isHealed, end, what }] of going) {
    if (nowMs < untilMs) continue;
    // In the end what is corrupt yet is waited for by who asks for a census.
    if (nowMs !== Number.POSITIVE_INFINITY && isHealed !== undefined && !(await isHealed()))
      continue;
    await end();
    going.delete(name);
    say(`  ${name}: ${what} is over`);
  }
}

/** One more, if there may be. */
async function beginAny(
  of: Stage,
  scene: ClusterScene,
  going: Map<string, Mischief>,
  watch: HealthWatch,
  isCalm: boolean,
): Promise<Mischief | undefined> {
  const { cluster, dice, network } = of;
  const role = dice.pick(["nameserver", "dataserver", "dataserver", "dataserver", "gateway"]);
  const all = {
    nameserver: cluster.group.nodes,
    dataserver: cluster.dataservers,
    gateway: cluster.gateways,
  }[role as RoleName];
  const most = { nameserver: 1, dataserver: scene.scheme.m, gateway: GATEWAYS - 1 }[
    role as RoleName
  ];
  const n = dice.pick(all.filter((one) => !going.has(`${role} ${one}`)));
  const busy = [...going.values()].filter((one) => one.role === role && one.what !== "fill").length;
  if (n === undefined || busy >= most) return undefined;
  const keep = (mischief: Mischief) => {
    going.set(`${role} ${n}`, mischief);
    return mischief;
  };
  if (role === "dataserver" && (isCalm || dice.chance(0.3)))
    return busy === 0 && (await isWhole(cluster, watch))
      ? keep(await corrupt(of, n, () => isHealedAt(cluster, n)))
      : undefined;
  if (role === "dataserver" && dice.chance(0.15)) {
    const filled = [...going.values()].some(({ what }) => what === "fill");
    return filled ? undefined : keep(await begin(of, "fill", role, n));
  }
  const kind = dice.pick(["kill", "pause", ...(network === undefined ? [] : ["cut"])]);
  return keep(await begin(of, kind as "kill" | "pause" | "cut", role as RoleName, n));
}

/** Nothing is missing anywhere, so that m pieces of any block may be harmed. */
async function isWhole(cluster: Cluster, { last }: HealthWatch): Promise<boolean> {
  const isSaid = last !== undefined && ["misplaced", "unchecked", "healthy"].includes(last.level);
  if (!isSaid) return false;
  try {
    const looks = await untilWhole(cluster, LOOKS_MS, undefined, { digests: false });
    return looks.census.away.length === 0 && looks.troubles.length === 0;
  } catch (error) {
    // Nobody leads for a while, after what was done to nameservers: that is not whole.
    if (error instanceof QuarryError && error.retry !== "no") return false;
    throw error;
  }
}

async function isHealedAt(cluster: Cluster, n: number): Promise<boolean> {
  return (await harmedIn(join(cluster.folder(n), "device"))).length === 0;
}

/** Seals all blocks, waits until what nobody names is gone, and looks at every byte with all stopped. */
async function sweep(
  cluster: Cluster,
  { sweepSeconds, say }: ChaosOptions,
  load: GroupLoad,
): Promise<{ readonly needles: number; readonly orphans: number }> {
  await using client = cluster.group.client();
  const { blocks } = await takeCensus(cluster);
  for (const { block, row } of blocks)
    if (row !== undefined) await client.names.reportBlock(block, row.generation, "full");
  say?.(`sweeping for ${sweepSeconds} s`);
  await sleep(sweepSeconds * 1000);
  const { troubles } = await untilWhole(cluster, WHOLE_WITHIN_MS, say);
  for (const what of troubles.slice(0, 5)) load.complain(`after the sweep: ${what}`);
  for (const n of cluster.gateways) await cluster.end("gateway", n, "SIGTERM");
  for (const n of cluster.dataservers) await cluster.end("dataserver", n, "SIGTERM");
  for (const n of cluster.group.nodes) await cluster.group.end(n, "SIGTERM");
  const found: string[] = [];
  const folders = cluster.dataservers.map((n) => cluster.folder(n));
  const { check } = await fsck({
    ...{ disk: nodeDisk, clock: systemClock },
    directories: [cluster.group.data(1), ...folders],
    onFinding: (finding) => found.push(JSON.stringify(finding)),
    onStep: () => undefined,
  });
  for (const what of found.filter((one) => !one.includes('"note"')).slice(0, 5))
    load.complain(`fsck: ${what}`);
  const { needles = 0, orphans = 0, thin = 0, missing = 0 } = check ?? {};
  if (check === undefined) load.complain("fsck could not hold metadata and blocks together");
  if (orphans + thin + missing > 0)
    load.complain(`fsck: ${orphans} orphans, ${thin} thin, ${missing} missing`);
  return { needles, orphans };
}
