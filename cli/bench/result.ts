/** What measurements say: one by one, and put together by workload, lanes and endpoint. */
import type { Conditions } from "./conditions.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** One measurement. Times are those of operations: a page of a list, a whole multipart upload. */
export interface Sample {
  readonly workload: string;
  readonly lanes: number;
  readonly endpoint: string;
  readonly round: number;
  readonly operations: number;
  readonly failures: number;
  readonly firstFailure?: string;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  /** 10⁶ bytes of objects. */
  readonly megabytesPerSecond: number;
  readonly keysPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** CPU of the load itself for an operation; absent where it is no process of its own. */
  readonly loadCpuMicros?: number;
  /** Absent where the server's processes are not known. */
  readonly server?: ServerCost;
  /** Of the machine, over the last minute. */
  readonly loadAverage: number;
}

/** Of all processes of the server. */
export interface ServerCost {
  readonly cpuSeconds: number;
  readonly cpuMicrosPerOperation: number;
  /** … of each role. */
  readonly roleMicros: Readonly<Record<string, number>>;
  /** Absent where no bytes of objects are moved. */
  readonly cpuSecondsPerGiB?: number;
  /** Highest of each process while it was measured, largest first. */
  readonly peakBytes: readonly number[];
}

export interface Row {
  readonly workload: string;
  readonly lanes: number;
  readonly endpoint: string;
  readonly operationsPerSecond: Spread;
  readonly megabytesPerSecond: Spread;
  readonly keysPerSecond: Spread;
  /** Medians of the rounds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly loadCpuMicros?: number;
  readonly cpuMicrosPerOperation?: number;
  /** … of each role, where there are several. */
  readonly roleMicros?: Readonly<Record<string, number>>;
  readonly cpuSecondsPerGiB?: number;
  /** Of all processes together, the most of all rounds. */
  readonly peakBytes?: number;
  readonly failures: number;
  readonly firstFailure?: string;
}

/** How the first endpoint does beside another, round by round: each has its own neighbours in time. */
export interface Ratio {
  readonly workload: string;
  readonly lanes: number;
  readonly endpoint: string;
  readonly beside: string;
  readonly speed: Spread;
  /** CPU for an operation; absent where either is not known. */
  readonly cpu?: Spread;
}

/** Of one endpoint, what its reader must know. */
export interface EndpointNote {
  readonly name: string;
  readonly url: string;
  readonly durability: string;
}

export interface Report {
  readonly conditions: Conditions;
  readonly endpoints: readonly EndpointNote[];
  /** Where the load comes from. */
  readonly load: string;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly repeats: number;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly samples: readonly Sample[];
}

const cellOf = ({ workload, lanes }: Sample) => `${workload} ${lanes}`;

export function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, (s) => `${cellOf(s)} ${s.endpoint}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [rowOf(first, group)];
  });
}

function rowOf({ workload, lanes, endpoint }: Sample, group: readonly Sample[]): Row {
  const over = (of: (sample: Sample) => number) => spreadOf(group.map(of));
  const known = (of: (cost: ServerCost) => number | undefined) =>
    group.flatMap(({ server }) => (server === undefined ? [] : (of(server) ?? [])));
  const loads = group.flatMap((s) => s.loadCpuMicros ?? []);
  const roles = rolesOf(group);
  const micros = known((cost) => cost.cpuMicrosPerOperation);
  const perGiB = known((cost) => cost.cpuSecondsPerGiB);
  const peaks = known(({ peakBytes }) => peakBytes.reduce((sum, one) => sum + one, 0));
  const firstFailure = group.find((s) => s.firstFailure !== undefined)?.firstFailure;
  return {
    ...{ workload, lanes, endpoint },
    operationsPerSecond: over((s) => s.operationsPerSecond),
    megabytesPerSecond: over((s) => s.megabytesPerSecond),
    keysPerSecond: over((s) => s.keysPerSecond),
    p50Ms: over((s) => s.p50Ms).median,
    p99Ms: over((s) => s.p99Ms).median,
    p999Ms: over((s) => s.p999Ms).median,
    ...(loads.length > 0 && { loadCpuMicros: spreadOf(loads).median }),
    ...(micros.length > 0 && { cpuMicrosPerOperation: spreadOf(micros).median }),
    ...(Object.keys(roles).length > 1 && { roleMicros: roles }),
    ...(perGiB.length > 0 && { cpuSecondsPerGiB: spreadOf(perGiB).median }),
    ...(peaks.length > 0 && { peakBytes: Math.max(...peaks) }),
    failures: group.reduce((sum, s) => sum + s.failures, 0),
    ...(firstFailure !== undefined && { firstFailure }),
  };
}

/** Medians of the rounds. */
function rolesOf(group: readonly Sample[]): Record<string, number> {
  const names = new Set(group.flatMap(({ server }) => Object.keys(server?.roleMicros ?? {})));
  const median = (name: string) =>
    spreadOf(group.flatMap(({ server }) => server?.roleMicros[name] ?? [])).median;
  return Object.fromEntries([...names].map((name) => [name, median(name)]));
}

export function ratiosOf(samples: readonly Sample[], first: string): Ratio[] {
  const pairs = samples.flatMap((other) => {
    const own = samples.find(
      (s) => s.endpoint === first && s.round === other.round && cellOf(s) === cellOf(other),
    );
    return other.endpoint === first || own === undefined ? [] : [{ own, other }];
  });
  const groups = Map.groupBy(pairs, ({ other }) => `${cellOf(other)} ${other.endpoint}`);
  return [...groups.values()].flatMap((group) => {
    const other = group[0]?.other;
    if (other === undefined) return [];
    const cpu = group.flatMap(({ own, other: peer }) =>
      own.server === undefined || peer.server === undefined
        ? []
        : own.server.cpuMicrosPerOperation / peer.server.cpuMicrosPerOperation,
    );
    return {
      ...{ workload: other.workload, lanes: other.lanes, endpoint: first, beside: other.endpoint },
      speed: spreadOf(group.map((p) => p.own.operationsPerSecond / p.other.operationsPerSecond)),
      ...(cpu.length === group.length && { cpu: spreadOf(cpu) }),
    };
  });
}
