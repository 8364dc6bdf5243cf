/** A block of whole needles on dataservers of their own, and what it is converted to. */
import type { NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { BlockLayout, PoolScheme } from "../rpc/pool.ts";
import type { Converted, ConvertOrder } from "../rpc/stripe-service.ts";
import { BLOCK, Members } from "./members-fixture.ts";

export const SIZES = [0, 1, 9, 700, 4096, 65_536, 65_537, 200_001];

/** `1+copies-1` members with needles of all kinds of lengths, sealed, and enough other dataservers. */
export async function packed(to: PoolScheme, needles = 60, copies = 3, seed = 1) {
  const members = await Members.open({ k: 1, m: copies - 1 }, to.k + to.m);
  const random = seededRandom(seed);
  for (let n = 0; n < needles; n++) {
    const id = (BigInt(random.u32()) * 65_537n + 1n) as NeedleId;
    await members.store(id, random.bytes(SIZES[random.u32() % SIZES.length] ?? 0));
  }
  await members.seal();
  return members;
}

export interface Where {
  readonly layout: BlockLayout;
  readonly scheme: PoolScheme;
  readonly generation: number;
  /** Server by position. */
  readonly servers: readonly number[];
}

const sourcesOf = (members: Members, servers: readonly number[]) =>
  servers.map((i, piece) => ({ piece, device: members.at(i).device, address: String(i) }));

export function orderOf(members: Members, from: Where, to: Where, by: number): ConvertOrder {
  return {
    ...members.at(by, from.generation),
    ...{ scheme: from.scheme, layout: from.layout, sources: sourcesOf(members, from.servers) },
    to: { scheme: to.scheme, layout: to.layout === "whole" ? "whole" : "striped" },
    targets: sourcesOf(members, to.servers),
  };
}

/** Converts, and switches everywhere. */
export async function converted(members: Members, from: Where, to: Where): Promise<Converted> {
  const by = to.servers[0] ?? 0;
  const done = await members.server(by).convert(orderOf(members, from, to, by));
  for (const i of to.servers) await switched(members, i, to.generation, done.encoding);
  return done;
}

export async function switched(
  members: Members,
  i: number,
  generation: number,
  encoding: number,
): Promise<void> {
  await members.server(i).switchGeneration({ ...members.at(i, generation), encoding });
}

/** What a needle is when it is read as a client does, and how many members were asked. */
export async function loadStriped(
  members: Members,
  servers: readonly number[],
  k: number,
  needle: NeedleId,
): Promise<{ readonly data: Buffer | string; readonly asked: number }> {
  const all = { needle, offset: 0, lengthBytes: 2 ** 31 };
  const first = servers[Number(needle % BigInt(k))] ?? 0;
  let reply = await members.server(first).read({ ...members.at(first), ...all });
  let asked = 1;
  if (reply.kind === "elsewhere") {
    const next = servers[reply.range] ?? 0;
    reply = await members.server(next).read({ ...members.at(next), ...all });
    asked++;
  }
  if (reply.kind !== "data") return { data: reply.kind, asked };
  const { needleBytes, data, checksums } = reply;
  const bad = firstBadSpan(BLOCK, needle, needleBytes, data, checksums);
  return { data: bad < 0 ? Buffer.from(data) : "wrong", asked };
}
