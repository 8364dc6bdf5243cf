/** How faults of a whole cluster begin: processes, pools over hosts, and objects of known content. */
import { Dice } from "../../raft/testing/dice.ts";
import type { Command, CommandResult, PoolSettings } from "../../rpc/commands.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { Cluster, type ClusterSize } from "../cluster.ts";
import { Corpus } from "./corpus.ts";
import type { FaultOptions } from "./group-fault.ts";
import { S3Wire } from "./s3-wire.ts";

/** Of which objects are large enough to be cut into pieces. */
const THRESHOLD_BYTES = 128 * 1024;

export interface ClusterFaultOptions extends FaultOptions {
  /** Such as 1+2 or 4+2. */
  readonly scheme: string;
  /** Each a dataserver with one device. */
  readonly hosts: number;
  readonly nameservers?: number;
  readonly gateways?: number;
  /** Of both pools, beside scheme and failure domain. */
  readonly pool?: Partial<PoolSettings>;
}

export interface ClusterScene extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly corpus: Corpus;
  readonly wires: readonly S3Wire[];
  readonly scheme: PoolScheme;
  readonly dice: Dice;
  readonly pools: { readonly small: number; readonly large: number };
}

export function parseScheme(text: string): PoolScheme {
  const [, k, m] = /^(\d+)\+(\d+)$/.exec(text) ?? [];
  if (k === undefined) throw new Error(`a scheme is like 4+2, not ${text}`);
  return { k: Number(k), m: Number(m) };
}

/** STANDARD keeps small objects whole m + 1 times; with k > 1 large ones are cut. */
export async function stage(
  options: ClusterFaultOptions,
  more: ClusterSize = {},
): Promise<ClusterScene> {
  const scheme = parseScheme(options.scheme);
  const { hosts, nameservers = 1, gateways = 1 } = options;
  const cluster = await Cluster.found({ nameservers, gateways, dataservers: hosts, ...more });
  const wires = cluster.gateways.map((n) => new S3Wire(cluster.endpoint(n)));
  try {
    const small = await poolOf(cluster, "copies", { k: 1, m: scheme.m }, options.pool);
    const large = scheme.k === 1 ? small : await poolOf(cluster, "pieces", scheme, options.pool);
    await order(cluster, {
      type: "setStorageClass",
      storageClass: { name: "STANDARD", small, large, thresholdBytes: THRESHOLD_BYTES },
    });
    const corpus = new Corpus(wires);
    await corpus.prepare();
    return {
      ...{ cluster, corpus, wires, scheme, dice: new Dice(options.seed), pools: { small, large } },
      async [Symbol.asyncDispose]() {
        for (const wire of wires) wire.close();
        await cluster[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function poolOf(
  cluster: Cluster,
  name: string,
  scheme: PoolScheme,
  more: Partial<PoolSettings> = {},
): Promise<number> {
  const settings = { scheme, failureDomain: "host", pgNum: 64, ...more } as const;
  const result = await order(cluster, { type: "createPool", name, settings });
  if (result.type !== "pool") throw new Error("a pool is answered with its number");
  return result.pool;
}

/** A command of an administrator. */
export async function order(cluster: Cluster, command: Command): Promise<CommandResult> {
  await using client = cluster.group.client();
  return await client.names.execute(command);
}

/** All ways to take `count` of some, in an order that follows from the dice. */
export function choicesOf(some: readonly number[], count: number, dice: Dice): number[][] {
  const choices = choose(some, count);
  for (let last = choices.length - 1; last > 0; last--) {
    const at = dice.between(0, last);
    const [a, b] = [choices[last], choices[at]];
    if (a !== undefined && b !== undefined) [choices[last], choices[at]] = [b, a];
  }
  return choices;
}

function choose(some: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return some.flatMap((first, at) =>
    choose(some.slice(at + 1), count - 1).map((rest) => [first, ...rest]),
  );
}
