/** Commands on pools, and which block ids are theirs. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Change, Command, CommandResult, PoolSettings } from "../../rpc/commands.ts";
import {
  type BlockKeeping,
  type ColdSetting,
  failureDomains,
  firstPool,
  type PoolScheme,
  piecesOf,
  rangeOf,
  usualMinMembers,
} from "../../rpc/pool.ts";
import { keys } from "../keyspace.ts";
import type { PoolRow } from "../rows.ts";
import { demand, isName, mapOf, raiseEpoch } from "./cluster-map.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const { id: FIRST, ...firstSettings } = firstPool;
/** `STANDARD` names it for both. */
const firstRow: PoolRow = { ...firstSettings, blocks: 0, smallOf: 1, largeOf: 1 };
const FIRST_RANGE = 0;
const DURABILITIES: ReadonlySet<string> = new Set(["commit", "interval", "none"]);

/** @throws QuarryError `NoSuchPool`. */
export function poolRow({ rows }: ApplyContext, pool: number): PoolRow {
  const row = rows.get(keys.pool(pool)) ?? (pool === FIRST ? firstRow : undefined);
  if (row === undefined) throw new QuarryError("NoSuchPool", `there is no pool ${pool}`);
  return row;
}

/** A name is no key: `quarry admin pool add` looks whether it is taken. */
export function createPool(context: ApplyContext, command: Of<"createPool">): CommandResult {
  const { name, settings } = command;
  const pool = mapOf(context).pools ?? 1;
  if (pool >= limits.pools)
    throw new QuarryError("QuotaExceeded", `there were ${limits.pools} pools already`);
  const row = changed({ ...firstSettings, name }, settings);
  context.rows.put(keys.pool(pool), { ...row, blocks: 0, smallOf: 0, largeOf: 0 });
  const { epoch } = raiseEpoch(context, { pools: pool + 1 });
  return { type: "pool", pool, epoch };
}

export function changePool(context: ApplyContext, command: Of<"changePool">): CommandResult {
  const { pool, name, change } = command;
  const { blocks, smallOf, largeOf, ...before } = poolRow(context, pool);
  const row = changed({ ...before, name: name ?? before.name }, change);
  demand(
    row.scheme.k === 1 || smallOf === 0,
    "small objects of a storage class go to this pool: its scheme keeps k = 1",
  );
  context.rows.put(keys.pool(pool), { ...row, blocks, smallOf, largeOf });
  const { epoch } = raiseEpoch(context, {});
  return { type: "pool", pool, epoch };
}

export function removePool(context: ApplyContext, { pool }: Of<"removePool">): CommandResult {
  const { blocks, smallOf, largeOf, name } = poolRow(context, pool);
  demand(pool !== FIRST, "the first pool stays");
  demand(smallOf + largeOf === 0, `a storage class names pool ${name}: change the class first`);
  demand(
    blocks === 0,
    `pool ${name} has ${blocks} blocks: it must be empty; those that nothing is in go by themselves in some minutes`,
  );
  context.rows.delete(keys.pool(pool));
  return raiseEpoch(context, {});
}

type Described = Omit<PoolRow, "blocks" | "smallOf" | "largeOf">;

/** Another scheme brings its usual minimum of members with it. */
function changed(before: Described, change: Change<PoolSettings>): Described {
  const scheme = change.scheme === undefined ? before.scheme : (change.scheme ?? firstPool.scheme);
  const kept = change.scheme === undefined ? before.minMembers : undefined;
  const { deviceClass, blockBytes, durability, cold, ...rest } = before;
  const after = {
    ...rest,
    scheme: { k: scheme.k, m: scheme.m },
    minMembers:
      (change.minMembers === undefined ? kept : change.minMembers) ?? usualMinMembers(scheme),
    failureDomain: settled(change.failureDomain, before.failureDomain, firstPool.failureDomain),
    pgNum: settled(change.pgNum, before.pgNum, firstPool.pgNum),
    ...optional("deviceClass", change.deviceClass, deviceClass),
    ...optional("blockBytes", change.blockBytes, blockBytes),
    ...optional("durability", change.durability, durability),
    ...optional("cold", change.cold, cold),
  };
  check(after);
  return after;
}

/** A setting that a pool need not have. */
function optional<Name extends string, T>(
  name: Name,
  change: T | null | undefined,
  before: T | undefined,
): { readonly [In in Name]?: T } {
  const value = change === undefined ? before : change;
  return value === undefined || value === null ? {} : ({ [name]: value } as { [In in Name]: T });
}

const settled = <T>(change: T | null | undefined, before: T, usual: T): T =>
  change === undefined ? before : (change ?? usual);

function check(pool: Described): void {
  const { name, scheme, minMembers, failureDomain, deviceClass, pgNum, cold, ...keeping } = pool;
  demand(isName(name), `${name} is no name of a pool: use 1 to 64 letters, digits, . - and _`);
  checkScheme(scheme);
  checkKeeping(keeping);
  if (cold !== undefined) checkCold(pool, cold);
  demand(
    Number.isInteger(minMembers) && minMembers >= scheme.k && minMembers <= piecesOf(scheme),
    `of ${piecesOf(scheme)} members at least ${scheme.k} are needed: ${minMembers} is no minimum`,
  );
  demand(failureDomains.includes(failureDomain), `write one of ${failureDomains.join(", ")}`);
  demand(deviceClass === undefined || isName(deviceClass), `${deviceClass} is no name of a class`);
  demand(
    Number.isInteger(pgNum) && pgNum >= 1 && pgNum <= limits.poolPgs && isPowerOfTwo(pgNum),
    `the number of placement groups is a power of two, at most ${limits.poolPgs}`,
  );
}

function checkScheme({ k, m }: PoolScheme): void {
  const isWhole = Number.isInteger(k) && Number.isInteger(m) && k >= 1 && m >= 0;
  demand(isWhole, "a scheme is k+m with k at least 1, as in 4+2, or 1+2 for three copies");
  demand(k + m <= limits.poolPieces, `k + m is at most ${limits.poolPieces}`);
  demand(k === 1 || m >= 1, "a scheme with k > 1 has parity: m is at least 1");
}

function checkCold({ scheme }: Described, { scheme: cold, afterMs }: ColdSetting): void {
  checkScheme(cold);
  demand(scheme.k === 1, "only blocks of whole copies become stripes: the scheme keeps k = 1");
  demand(cold.k > 1, "stripes have k of at least 2, as in 4+2");
  demand(Number.isInteger(afterMs) && afterMs >= 0, "how long blocks rest is a number of ms");
}

function checkKeeping({ blockBytes, durability }: BlockKeeping): void {
  const { poolBlockBytesLeast: least, poolBlockBytesMost: most } = limits;
  demand(
    blockBytes === undefined ||
      (Number.isInteger(blockBytes) && blockBytes >= least && blockBytes <= most),
    `a block has ${least} to ${most} bytes, which is 16 MiB to 1 GiB`,
  );
  demand(
    durability === undefined || DURABILITIES.has(durability),
    `writes are answered on one of ${[...DURABILITIES].join(", ")}`,
  );
}

const isPowerOfTwo = (n: number) => (n & (n - 1)) === 0;

/** Counts a block that is opened, and gives its range to the pool. */
export function joinPool(context: ApplyContext, block: BlockId, pool: number): void {
  const { rows } = context;
  const row = poolRow(context, pool);
  const range = rangeOf(block);
  const owner =
    rows.get(keys.blockRange(range))?.pool ?? (range === FIRST_RANGE ? FIRST : undefined);
  demand(owner === undefined || owner === pool, `block ${block} belongs to pool ${owner}`);
  if (owner === undefined) {
    rows.put(keys.blockRange(range), { pool });
    raiseEpoch(context, {});
  }
  if (pool !== FIRST) rows.put(keys.pool(pool), { ...row, blocks: row.blocks + 1 });
}

export function leavePool(context: ApplyContext, pool: number): void {
  if (pool === FIRST) return;
  const row = poolRow(context, pool);
  context.rows.put(keys.pool(pool), { ...row, blocks: row.blocks - 1 });
}
