/** One measurement: prepares what a workload needs, warms up, drives it, and says what it cost. */
import { loadavg } from "node:os";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { autocannonDrive } from "./autocannon-drive.ts";
import { type Drive, laneDrive, openLanes } from "./drive.ts";
import { costFrom, figuresOf } from "./figures.ts";
import { singles } from "./kinds/object-kind.ts";
import { leanClient } from "./lean-client.ts";
import type { Client, Request } from "./request.ts";
import type { Sample } from "./result.ts";
import { sdkClient } from "./sdk-client.ts";
import type { Measured } from "./stored.ts";
import type { Stage, Work, Workload } from "./workload.ts";

export type ClientName = "lean" | "sdk" | "autocannon";

export interface MeasureOptions {
  readonly client: ClientName;
  readonly lanes: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly round: number;
  readonly objects: number | undefined;
}

/** Reads come from memory that is not all alike. */
const pattern = Buffer.from("quarry bench 0123456789 abcdefghijklmnopqrstuvwxyz\n");
const payloads = new Map<number, Buffer>();

function payload(bytes: number): Buffer {
  const known = payloads.get(bytes) ?? Buffer.alloc(bytes, pattern);
  payloads.set(bytes, known);
  return known;
}

export async function measure(
  server: Measured,
  workload: Workload,
  options: MeasureOptions,
): Promise<Sample> {
  const { target } = server;
  const { kind } = workload;
  const own = kind.client?.(server);
  const client = own ?? (options.client === "sdk" ? sdkClient(target) : leanClient(target));
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => await client[Symbol.asyncDispose]?.());
  const lanes = await openLanes(client, options.lanes);
  try {
    const lane = laneDrive(lanes);
    const work = await kind.prepare(stageOf(server, workload, lane, options), workload.sizes);
    const isCannon = options.client === "autocannon" && own === undefined;
    const drive = isCannon ? autocannonDrive(target, options.lanes) : lane;
    return await drivenSample(server, workload, options, work, drive, client);
  } finally {
    for (const one of lanes) one[Symbol.dispose]();
  }
}

function stageOf(
  server: Measured,
  workload: Workload,
  drive: Drive,
  { seconds, objects }: MeasureOptions,
): Stage {
  const folder = `${server.run}/${workload.sizes[0] ?? 0}/${workload.name}`;
  const fresh = server.stored.nextFolder(folder);
  const name = (n: number) => String(n).padStart(8, "0");
  return {
    keyOf: (n) => `${folder}/${name(n)}`,
    freshKeyOf: (n) => {
      const key = `${fresh}/${name(n)}`;
      server.stored.note(fresh, n);
      return key;
    },
    payload,
    objects,
    async fill(count, request, isKept) {
      if (isKept && server.stored.has(folder)) return server.stored.count(folder);
      const milliseconds = isKept ? Number.POSITIVE_INFINITY : seconds * 1000;
      const { next, failures, firstFailure } = await drive(storing(request), {
        from: 0,
        to: count,
        milliseconds: Math.min(milliseconds, 600_000),
      });
      if (failures > 0)
        throw new QuarryError("Unavailable", `cannot store what is to be read: ${firstFailure}`);
      if (isKept) server.stored.note(folder, next - 1);
      return next;
    },
  };
}

const storing = (request: (n: number) => Request): Work =>
  singles({ request, moves: () => ({ bytes: 0, keys: 0 }) }, Number.POSITIVE_INFINITY);

async function drivenSample(
  server: Measured,
  workload: Workload,
  options: MeasureOptions,
  work: Work,
  drive: Drive,
  client: Client,
): Promise<Sample> {
  const { seconds, warmUpSeconds } = options;
  if (work.repeats !== undefined) signAhead(client, work, 0, work.repeats);
  const half = Math.floor(work.operations / 2);
  const warm = await drive(work, { from: 0, to: half, milliseconds: warmUpSeconds * 1000 });
  if (work.repeats === undefined) {
    const perMs = warm.latenciesMs.length / Math.max(1, warm.elapsedMs);
    signAhead(client, work, warm.next, Math.ceil(perMs * seconds * 1500));
  }
  const cost = costFrom(await server.roles());
  const own = process.cpuUsage();
  const span = { from: warm.next, to: work.operations, milliseconds: seconds * 1000 };
  const driven = await drive(work, span);
  const spent = process.cpuUsage(own);
  const serverCost = cost(driven.latenciesMs.length, driven.bytes);
  return {
    workload: workload.name,
    lanes: options.lanes,
    endpoint: server.name,
    round: options.round,
    ...figuresOf(driven),
    loadCpuMicros: (spent.user + spent.system) / Math.max(1, driven.latenciesMs.length),
    ...(serverCost !== undefined && { server: serverCost }),
    loadAverage: loadavg()[0] ?? 0,
  };
}

function signAhead(client: Client, { single, operations }: Work, from: number, count: number) {
  if (single === undefined || client.ahead === undefined) return;
  const to = Math.min(operations, from + Math.min(count, limits.benchAhead));
  for (let n = from; n < to; n++) client.ahead(single.request(n));
}
