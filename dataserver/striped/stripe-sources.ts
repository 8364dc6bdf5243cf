/** Members of a striped block, as another dataserver uses them. */
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress } from "../../rpc/block-service.ts";
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";
import type { Encoding, StripeBytes } from "../../rpc/stripe-service.ts";
import type { Device } from "../device.ts";
import { recordsAt } from "../hand-out.ts";
import type { Plan } from "../rebuild/plan.ts";
import type { Peer, Source } from "../rebuild/sources.ts";
import { SUPERBLOCK_BYTES } from "../superblock.ts";
import { areTables, geometryOf, type StripedSuperblock } from "./format.ts";
import { readStripe } from "./reads.ts";

export interface StripeSource extends Source {
  readonly peer: Peer;
}

/**
 * Bytes of a source's range or tables. @throws QuarryError `Damaged` when others arrived, `Changed` when
 * it has another piece by now.
 */
export async function readFrom(
  { peer, address, piece }: StripeSource,
  offset: number,
  lengthBytes: number,
  encoding?: Encoding,
): Promise<StripeBytes> {
  const found = await peer.readStripe({
    ...{ ...address, offset, lengthBytes },
    ...(encoding !== undefined && { encoding }),
  });
  if (found.piece.piece !== piece)
    throw new QuarryError(
      "Changed",
      `device ${address.device} has piece ${found.piece.piece} of block ${address.block}, not ${piece}`,
    );
  if (found.data.length !== lengthBytes || crc32c(found.data) !== found.sum)
    throw new QuarryError("Damaged", `device ${address.device} gave other bytes than it said`);
  return found;
}

/** Of a striped block each needle is at one member only: that of its range. */
export async function holdersOfRanges(
  plan: Plan,
  sources: readonly StripeSource[],
  inventories: readonly Buffer[],
): Promise<Plan> {
  const holders = new Uint32Array(plan.count);
  const [first] = sources;
  if (first === undefined) return plan;
  const { rangeBytes } = await readFrom(first, 0, 0);
  const bitOf = new Map(sources.map(({ piece }, s) => [piece, 1 << s]));
  for (const inventory of inventories) {
    let row = 0;
    for (let at = 0; at < inventory.length; at += INVENTORY_ROW_BYTES) {
      const id = inventory.readBigUInt64LE(at);
      while (row < plan.count && (plan.ids[row] ?? 0n) < id) row++;
      if (plan.ids[row] !== id) continue;
      const offset = inventory.readUInt32LE(at + 12) * 8;
      const range = Math.floor((offset - SUPERBLOCK_BYTES) / rangeBytes);
      if (offset > 0) holders[row] = bitOf.get(range) ?? 0;
    }
  }
  return { ...plan, holders };
}

/** This device as a source for itself, where it has the block in this generation. */
export function ownStripe(
  device: Device,
  { block, generation }: Pick<BlockAddress, "block" | "generation">,
): StripeSource[] {
  const there = device.parts.blocks.get(block);
  if (there?.generation !== generation || there.stripe === undefined) return [];
  const address = { device: device.id, block, generation };
  const no = () => Promise.reject(new QuarryError("InvalidArgument", "nothing is written there"));
  const peer: Peer = {
    inventory: async (at, after) => device.inventory(at, after),
    fetch: (at, needles, check) => device.fetch(at, needles, check),
    records: (at, offset, lengthBytes) =>
      device.reading(at, (block) => recordsAt(block, offset, lengthBytes)),
    readStripe: (request) => device.reading(request, (block) => readStripe(block, request)),
    ...{ stage: no, finishStage: no },
  };
  return [{ piece: there.superblock.piece, address, peer }];
}

/** The tables, from the first source that has them whole. */
export async function tablesFrom(
  sources: readonly StripeSource[],
  superblock: StripedSuperblock,
  spend: (bytes: number) => Promise<void>,
): Promise<Buffer> {
  const { columnsAt, spanSumsAt } = geometryOf(superblock.stripe);
  const { salt, stripe } = superblock;
  for (const source of sources) {
    try {
      const tables = Buffer.alloc(spanSumsAt - columnsAt);
      for (let at = 0; at < tables.length; at += limits.fetchBytes) {
        const length = Math.min(limits.fetchBytes, tables.length - at);
        const { data } = await readFrom(source, stripe.rangeBytes + at, length, salt);
        await spend(length);
        tables.set(data, at);
      }
      if (areTables(superblock, tables)) return tables;
    } catch (error) {
      if (!(error instanceof QuarryError)) throw error;
    }
  }
  const { block } = superblock;
  throw new QuarryError("TooFewPieces", `no member of block ${block} has its tables whole`);
}
