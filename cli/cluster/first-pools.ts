/** The pools that a new cluster begins with, so that what is stored outlives who is killed. */
import type { NameService } from "../../rpc/name-service.ts";
import {
  type FailureDomain,
  firstPool,
  type PoolScheme,
  piecesOf,
  STANDARD,
} from "../../rpc/pool.ts";
import { counted, formatBytes } from "../objects/printable.ts";

export interface FirstPool {
  readonly scheme: PoolScheme;
  readonly failureDomain: FailureDomain;
}

export interface FirstPools {
  /** Whole copies: small objects, and all when there is no other. */
  readonly small: FirstPool;
  /** Absent: large objects go where small ones go. */
  readonly large?: FirstPool;
}

export interface PoolWishes {
  /** Copies of small objects. */
  readonly replicas?: number;
  /** Of large objects; null: as small ones. */
  readonly largeScheme?: PoolScheme | null;
}

/** With a host more than it has pieces, a block that lost one is whole again without it. */
const LARGE: PoolScheme = { k: 4, m: 2 };
const COPIES = 3;
const LARGE_POOL = "large";

/** Every dataserver is a host; `racks` of them share nothing but the machine. */
export function firstPools(
  { dataservers, racks }: { readonly dataservers: number; readonly racks: number },
  { replicas, largeScheme }: PoolWishes,
): FirstPools {
  const copies = Math.max(1, replicas ?? Math.min(COPIES, dataservers));
  const over = copies <= Math.min(racks, dataservers) ? "rack" : "host";
  const small: FirstPool = {
    scheme: { k: 1, m: copies - 1 },
    failureDomain: copies === 1 ? "osd" : over,
  };
  const usual = dataservers > piecesOf(LARGE) ? LARGE : null;
  const scheme = largeScheme === undefined ? usual : largeScheme;
  return scheme === null ? { small } : { small, large: { scheme, failureDomain: "host" } };
}

/** May be done again: who ended in the midst of it goes on. */
export async function makePools(names: NameService, { small, large }: FirstPools): Promise<void> {
  await names.execute({ type: "changePool", pool: firstPool.id, change: small });
  if (large === undefined) return;
  const { map } = await names.clusterMap(0);
  const known = map?.pools.find(({ name }) => name === LARGE_POOL)?.id;
  const pool = known ?? (await created(names, large));
  await names.execute({ type: "setStorageClass", storageClass: { ...STANDARD, large: pool } });
}

async function created(names: NameService, large: FirstPool): Promise<number> {
  const made = await names.execute({ type: "createPool", name: LARGE_POOL, settings: large });
  return made.type === "pool" ? made.pool : firstPool.id;
}

/** What that means for who stores something. */
export function poolWords({ small, large }: FirstPools): string {
  const { thresholdBytes } = STANDARD;
  const what = large === undefined ? "objects" : `objects below ${formatBytes(thresholdBytes)}`;
  const { m } = small.scheme;
  const first =
    m === 0
      ? `${what} are kept once: a dataserver that is lost takes them along`
      : `${what} are kept ${m + 1} times, on different ${small.failureDomain}s: ${outlives(m)}`;
  if (large === undefined) return first;
  const { k, m: parities } = large.scheme;
  return `${first}; larger ones in ${k}+${parities} pieces on different hosts, any ${k} of which give them back: ${outlives(parities)}`;
}

const outlives = (count: number) =>
  `any ${count === 1 ? "one" : counted(count, "dataserver")} of these may be lost`;
