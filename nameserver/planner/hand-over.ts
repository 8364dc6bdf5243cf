/**
 * What only a device knows that is no member of a block any more goes to the members before it goes
 * (INV-7): it may have been away while they lost something, or have heard of a removal last. They are
 * compared as members are (reconcile-standing.ts), and the owners say what counts.
 */
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import type { Inventory } from "../../rpc/healing-service.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { RetireNeed } from "./need.ts";
import { ownersOf } from "./reconcile-claims.ts";
import { compare, type Said, type Standing } from "./reconcile-standing.ts";
import type { RunContext } from "./run-context.ts";

/** Who is asked: the one that goes first, then the members. */
interface Asked {
  readonly device: DeviceId;
  readonly generation: number;
  /** Absent: it is no member. */
  readonly position?: number;
}

/** What the members lack. */
interface Lack {
  readonly positions: ReadonlySet<number>;
  readonly needles: number;
}

const LEAVING = 0;

/** @throws QuarryError `InvalidArgument` when it has what the members do not have, and cannot get from it. */
export async function handOver(context: RunContext, need: RetireNeed): Promise<void> {
  const { block, device, held } = need;
  const row = context.rowOf(block);
  // Of a file without a superblock nothing can be read.
  if (row === undefined || held.generation === 0) return;
  const members = row.members.flatMap((member, position) =>
    member === null ? [] : [{ device: member, generation: row.generation, position }],
  );
  const asked: Asked[] = [{ device, generation: held.generation }, ...members];
  if (await areAlike(context, need, asked)) return;
  const lack = await lackOf(context, need, asked);
  if (lack.needles === 0) return;
  if (held.generation !== row.generation) throw staysFor(need, lack.needles);
  for (const position of lack.positions) await remake(context, need, row, position);
  const left = await lackOf(context, need, asked);
  if (left.needles > 0) throw staysFor(need, left.needles);
}

async function areAlike(
  { orders }: RunContext,
  { block }: RetireNeed,
  asked: readonly Asked[],
): Promise<boolean> {
  const statusOn = async ({ device }: Asked): Promise<BlockStatus | undefined> =>
    (await orders.blocks(device, block - 1, 1)).find((one) => one.block === block);
  const [leaving, ...others] = await Promise.all(asked.map(statusOn));
  // It is gone already.
  if (leaving === undefined) return true;
  return others.every((one) => one?.digest === leaving.digest && one.needles === leaving.needles);
}

/** What the members lack of it; what they missed of its removals they are told. */
async function lackOf(
  context: RunContext,
  { block }: RetireNeed,
  asked: readonly Asked[],
): Promise<Lack> {
  const { orders } = context;
  const positions = new Set<number>();
  let needles = 0;
  for (let after: NeedleId | undefined = 0n as NeedleId; after !== undefined; ) {
    const from: NeedleId = after;
    const pages: Inventory[] = await Promise.all(
      asked.map(({ device, generation }) => orders.inventory({ device, block, generation }, from)),
    );
    after = undefined;
    for (const { next } of pages)
      if (next !== undefined && (after === undefined || next < after)) after = next;
    const said: Said[] = pages.map(({ rows }) => ({
      rows: Buffer.from(rows.buffer, rows.byteOffset, rows.length),
      damage: [],
    }));
    const { differing } = compare(said, after);
    for (const { absent } of await lacking(context, asked, block, differing)) {
      needles++;
      for (const who of absent) positions.add(asked[who]?.position ?? 0);
    }
    await tellRemoved(context, asked, block, differing);
  }
  return { positions, needles };
}

/** Needles that only it has, and some member should have. */
async function lacking(
  { orders, claimOf, keepsOrphans, rowOf }: RunContext,
  [leaving, member]: readonly Asked[],
  block: RetireNeed["block"],
  differing: readonly Standing[],
): Promise<Standing[]> {
  const lack = differing.filter(
    ({ live, removed, absent }) =>
      live.includes(LEAVING) && removed.length === 0 && absent.length > 0,
  );
  if (lack.length === 0 || leaving === undefined) return [];
  const { device, generation } = leaving;
  const owners = await ownersOf(orders, { block, generation }, lack, [device]);
  // What is bare and unknown to a later generation was removed before that was built.
  const isLater = (member?.generation ?? generation) > generation;
  // Until it settles a writer may name it yet (INV-4).
  const mayBeNamed = rowOf(block)?.state !== "settled" || keepsOrphans();
  return lack.filter(({ needle }) => {
    const claim = claimOf(block, owners.get(needle));
    if (claim === "unnamed") return mayBeNamed;
    return claim === "named" || (claim === "free" && !isLater);
  });
}

/** Who removed looked after the members then; of a bare needle a tombstone is all that says so. */
async function tellRemoved(
  { orders, claimOf, keepsOrphans }: RunContext,
  [leaving, ...members]: readonly Asked[],
  block: RetireNeed["block"],
  differing: readonly Standing[],
): Promise<void> {
  const known = differing.filter(({ removed }) => removed.includes(LEAVING));
  const generation = members[0]?.generation;
  if (known.length === 0 || leaving === undefined || generation === undefined) return;
  const moved = known.map((one) => ({ ...one, live: one.live.map((who) => who - 1) }));
  const devices = members.map(({ device }) => device);
  const owners = await ownersOf(orders, { block, generation }, moved, devices);
  const isGone = (needle: NeedleId) => {
    const claim = claimOf(block, owners.get(needle));
    return claim === "free" || (claim === "unnamed" && !keepsOrphans());
  };
  for (const [who, device] of devices.entries()) {
    const late = moved.filter(({ needle, live }) => live.includes(who) && isGone(needle));
    for (let i = 0; i < late.length; i += limits.removeBatch) {
      const batch = late.slice(i, i + limits.removeBatch).map(({ needle }) => needle);
      await orders.remove({ device, block, generation }, batch);
    }
  }
}

/** In its place, from what is good of it, the others, and the one that goes. */
async function remake(
  { orders, sourcesOf, pace, moved, stock }: RunContext,
  { block, generation }: RetireNeed,
  { scheme = WHOLE, layout = layoutOf(scheme), members }: BlockRow,
  position: number,
): Promise<void> {
  const device = members[position];
  if (!device) return;
  const sources = sourcesOf(block).filter((source) => source.device !== device);
  const { status, readBytes, writtenBytes } = await orders.rebuild({
    ...{ device, block, generation, piece: position, scheme, layout },
    sources: sources.map(({ piece, device: from, address }) => ({ piece, device: from, address })),
    ...(pace !== undefined && { bytesPerSecond: pace }),
  });
  moved(readBytes + writtenBytes);
  stock.learn(device, status);
}

const staysFor = ({ block, device }: RetireNeed, needles: number) =>
  new QuarryError(
    "InvalidArgument",
    `device ${device} is no member of block ${block} any more, and has ${needles} needles of it that a member lacks and cannot get from it: it keeps the block`,
  );
