/**
 * SIGKILL of the leader of several nameservers, again and again, under load through two clients: every
 * acknowledged change must be there, for whichever client asks next, and soon somebody must lead.
 *
 *   npm run faults -- leader-kill --seconds 600 --seed 1 --members 5
 */
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { NameserverGroup } from "../nameserver-group.ts";
import { KillModel, type State } from "./kill-model.ts";

const BUCKET = "kill";
const WRITERS = 16;
const KEYS_PER_WRITER = 40;
const PAGE = 1000;

export interface LeaderKillCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly failovers: number;
  /** Changes of which nobody could say whether they were made. */
  readonly unknown: number;
  /** From each kill to the first acknowledgement of a change that was asked for after it. */
  readonly firstAcknowledgedMs: {
    readonly median: number;
    readonly p99: number;
    readonly most: number;
  };
  readonly complaints: readonly string[];
}

export async function leaderKill(options: {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<LeaderKillCounts> {
  const random = seededRandom(options.seed);
  await using group = await NameserverGroup.found(options.members);
  await using one = group.client();
  await using other = group.client();
  const clients = [one.names, other.names] as const;
  await one.names.execute({ type: "createBucket", bucket: BUCKET, owner: "root" });
  const load = new Load(clients, random);
  const killing = new AbortController();
  const writing = load.run(killing.signal);
  const untilMs = performance.now() + options.seconds * 1000;
  let failovers = 0;
  while (performance.now() < untilMs && load.model.complaints.length === 0 && !load.hasFailed) {
    await sleep(1_000 + (random.u32() % 2_000));
    const leader = await group.leader();
    load.killed();
    await group.end(leader, "SIGKILL");
    await sleep(random.u32() % 3_000);
    group.start(leader);
    await untilBack(group, leader);
    await load.acknowledgedAgain();
    failovers++;
    options.say?.(`kill ${failovers}: ${load.model.acknowledged} acknowledged`);
  }
  killing.abort();
  await writing;
  await load.verify();
  const digests = await group.digests();
  if (digests.size !== 1) load.model.complaints.push(`states differ: ${[...digests].join(" ")}`);
  const { acknowledged, lost, wrong, complaints } = load.model;
  return {
    ...{ acknowledged, lost, wrong, violations: complaints.length, failovers },
    unknown: load.unknown,
    firstAcknowledgedMs: quantiles(load.firstMs),
    complaints: complaints.slice(0, 10),
  };
}

/** The next leader must not be killed while this one is still away. */
async function untilBack(group: NameserverGroup, node: number): Promise<void> {
  while ((await group.status(node))?.leader === undefined) await sleep(20);
}

function quantiles(all: readonly number[]) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { median: at(0.5), p99: at(0.99), most: at(1) };
}

/** Names of empty objects, each with one writer; what they mean is in their ETag. */
class Load {
  readonly model = new KillModel();
  readonly firstMs: number[] = [];
  unknown = 0;
  hasFailed = false;
  readonly #clients: readonly [NameService, NameService];
  readonly #random: Random;
  /** When the leader was killed, until a change asked for later is acknowledged. */
  #killedMs: number | undefined;

  constructor(clients: readonly [NameService, NameService], random: Random) {
    this.#clients = clients;
    this.#random = random;
  }

  killed(): void {
    this.#killedMs = performance.now();
  }

  async acknowledgedAgain(): Promise<void> {
    while (this.#killedMs !== undefined && !this.hasFailed) await sleep(20);
  }

  async run(signal: AbortSignal): Promise<void> {
    const seeds = Array.from({ length: WRITERS }, () => this.#random.u32());
    const writers = seeds.map((seed, i) => this.#write(i, seededRandom(seed), signal));
    try {
      await Promise.all(writers);
    } catch (error) {
      this.hasFailed = true;
      this.model.complaints.push(`a request failed: ${String(error)}`);
    }
  }

  async #write(index: number, chance: Random, signal: AbortSignal): Promise<void> {
    for (let version = 1; !signal.aborted && !this.hasFailed; version++) {
      const key = `${index}/${chance.u32() % KEYS_PER_WRITER}`;
      const [first, second] = this.#clients;
      const writer = chance.u32() % 2 === 0 ? first : second;
      const outcome = chance.u32() % 5 === 0 ? undefined : `${index}-${version}`;
      const begunMs = performance.now();
      this.model.begin(key, outcome);
      try {
        await change(writer, key, outcome);
        this.model.acknowledge(key, outcome);
        this.#acknowledged(begunMs);
      } catch (error) {
        if (!hasCode(error, "OutcomeUnknown")) throw error;
        this.unknown++;
      }
      // What one client was told holds for the other at once.
      const reader = writer === first ? second : first;
      if (chance.u32() % 3 === 0) this.model.observe(key, await look(reader, key));
    }
  }

  #acknowledged(begunMs: number): void {
    if (this.#killedMs === undefined || begunMs < this.#killedMs) return;
    this.firstMs.push(performance.now() - this.#killedMs);
    this.#killedMs = undefined;
  }

  async verify(): Promise<void> {
    const [names] = this.#clients;
    for (const key of this.model.keys()) this.model.observe(key, await look(names, key));
    this.model.compareListing(await listed(names));
  }
}

async function change(names: NameService, key: string, outcome: State): Promise<void> {
  if (outcome === undefined) {
    await names.execute({ type: "deleteObject", bucket: BUCKET, key });
    return;
  }
  const blob: BlobId = await names.leaseBlobs(1);
  const content = { blob, lengthBytes: 0, registered: 0, chunks: [] };
  const attributes = { etag: outcome };
  await names.execute({ type: "putObject", bucket: BUCKET, key, content, attributes });
}

async function look(names: NameService, key: string): Promise<State> {
  try {
    return (await names.lookup({ bucket: BUCKET, key })).object.attributes.etag;
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return undefined;
    throw error;
  }
}

async function listed(names: NameService): Promise<Set<string>> {
  const keys = new Set<string>();
  for (let after = ""; ; ) {
    const request = { bucket: BUCKET, prefix: "", delimiter: "", after, limit: PAGE };
    const { objects, truncated, last } = await names.list(request);
    for (const { key } of objects) keys.add(key);
    if (!truncated || last === undefined) return keys;
    after = last;
  }
}
