/** How the cluster stands, for /metrics: its leader is asked; while none answers these have no values. */
import { Gauge, type Registry } from "prom-client";
import { type Clock, sleep } from "../base/clock.ts";
import { type Capacity, type Health, healthLevels } from "../rpc/health.ts";
import type { NameService } from "../rpc/name-service.ts";

/** Who scrapes does not wait longer for a leader. */
const PATIENCE_MS = 1_000;

interface Found {
  readonly health: Health;
  readonly capacity: Capacity;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export function addClusterMetrics(
  registry: Registry,
  names: Pick<NameService, "health" | "capacity">,
  clock: Clock,
): void {
  let asking: Promise<Found | undefined> | undefined;
  const ask = () => {
    // All gauges of one scrape are told the same.
    asking ??= found(names, clock).finally(() => {
      asking = undefined;
    });
    return asking;
  };
  for (const { name, help, labels, samples } of gauges)
    new Gauge({
      ...{ name, help, registers: [registry], labelNames: labels },
      // Every gateway of a machine says the same.
      aggregator: "max",
      async collect() {
        const now = await ask();
        this.reset();
        if (now !== undefined) for (const [of, value] of samples(now)) this.set(of, value);
      },
    });
}

async function found(
  names: Pick<NameService, "health" | "capacity">,
  clock: Clock,
): Promise<Found | undefined> {
  const asked = Promise.all([names.health(), names.capacity()]).then(
    ([health, capacity]) => ({ health, capacity }),
    () => undefined, // nobody leads, or the leader is of a version before
  );
  return await Promise.race([asked, sleep(clock, PATIENCE_MS).then(() => undefined)]);
}

interface ClusterGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: string[];
  readonly samples: (found: Found) => readonly Sample[];
}

const gauge = (
  name: string,
  help: string,
  labels: string[],
  samples: ClusterGauge["samples"],
): ClusterGauge => ({ name: `quarry_${name}`, help, labels, samples });

const byPool = (of: (pool: Capacity["pools"][number]) => number) => (found: Found) =>
  found.capacity.pools.map((pool): Sample => [{ pool: pool.name }, of(pool)]);

const byDevice = (of: (device: Capacity["devices"][number]) => number) => (found: Found) =>
  found.capacity.devices.map((one): Sample => [{ device: `osd.${one.number}` }, of(one)]);

// Without labels a gauge is 0 while nobody answers: that is right for `healthy` alone.
const gauges: readonly ClusterGauge[] = [
  gauge("healthy", "1 when all was read and found good; 0 when not, or not known.", [], (found) => [
    [{}, found.health.level === "healthy" ? 1 : 0],
  ]),
  gauge("blocks", "Blocks, by how endangered they are.", ["level"], ({ health }) =>
    healthLevels.map((level): Sample => [{ level }, health.blocks[level]]),
  ),
  gauge("concerns", "What is wrong beside single blocks.", ["level"], ({ health }) =>
    healthLevels.map(
      (level): Sample => [{ level }, health.concerns.filter((one) => one.level === level).length],
    ),
  ),
  gauge("healing_blocks", "Blocks to heal.", ["kind", "state"], ({ health: { healing } }) =>
    healing === undefined
      ? []
      : [
          ...Object.entries(healing.work).flatMap(([kind, { waiting, running }]): Sample[] => [
            [{ kind, state: "waiting" }, waiting],
            [{ kind, state: "running" }, running],
          ]),
          [{ kind: "any", state: "stuck" }, healing.stuckCount],
        ],
  ),
  gauge("healing_bytes", "Bytes of healing.", ["state"], ({ health: { healing } }) =>
    healing === undefined
      ? []
      : [
          [{ state: "left" }, healing.bytesLeft],
          [{ state: "done" }, healing.bytesDone],
        ],
  ),
  gauge(
    "pool_used_bytes",
    "Stored, as users count it.",
    ["pool"],
    byPool((one) => one.usedBytes),
  ),
  gauge(
    "pool_stored_bytes",
    "Taken on devices.",
    ["pool"],
    byPool((one) => one.storedBytes),
  ),
  gauge(
    "pool_usable_bytes",
    "Can still be stored.",
    ["pool"],
    byPool((one) => one.usableBytes),
  ),
  gauge(
    "device_bytes",
    "Size.",
    ["device"],
    byDevice((one) => one.totalBytes),
  ),
  gauge(
    "device_free_bytes",
    "Free.",
    ["device"],
    byDevice((one) => one.freeBytes),
  ),
  gauge(
    "device_repair_bytes",
    "Kept for repairs.",
    ["device"],
    byDevice((one) => one.repairBytes),
  ),
  gauge(
    "device_takes",
    "1 when it takes new blocks.",
    ["device"],
    byDevice((one) => Number(one.takes)),
  ),
];
