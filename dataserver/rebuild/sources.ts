/** The members of a block that another one is made from, and what each of them says it holds. */
import { payloadPool } from "../../base/buffer-pool.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockAddress } from "../../rpc/block-service.ts";
import type { HealingService, Inventory } from "../../rpc/healing-service.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import type { StripeService } from "../../rpc/stripe-service.ts";
import { seedOfBlock } from "../record.ts";
import type { Run } from "./runs.ts";

/** What one dataserver asks of another. */
export type Peer = Pick<HealingService, "inventory" | "fetch" | "records"> &
  Pick<StripeService, "readStripe" | "stage" | "finishStage">;

/** Where there is no way to others. */
export function nobody(address: string): Peer {
  const none = () =>
    Promise.reject(new QuarryError("Unavailable", `there is no way from here to ${address}`));
  return {
    ...{ inventory: none, fetch: none, records: none },
    ...{ readStripe: none, stage: none, finishStage: none },
  };
}

export interface Source {
  readonly piece: number;
  readonly address: BlockAddress;
  readonly peer: Pick<Peer, "inventory" | "fetch" | "records">;
}

/** One that gives its records as they stand: `seed` is that of its headers. */
export interface SeededSource extends Source {
  readonly seed: number;
}

/** One that has answered. */
export interface AskedSource extends Source {
  /** Absent for a dataserver of a version before. */
  readonly seed?: number;
  readonly digest?: bigint;
}

export interface Asked {
  readonly sources: readonly AskedSource[];
  /** One for each of the sources: rows of an `Inventory`. */
  readonly inventories: readonly Buffer[];
  readonly unasked: readonly DeviceId[];
}

/** Asks all of them; who does not answer, or has another piece, is left out. */
export async function askAll(all: readonly Source[], { k }: PoolScheme): Promise<Asked> {
  const answers = await Promise.all(
    all.map((source) => holdings(source, k > 1).catch(noneOfQuarry)),
  );
  const there = answers.filter((answer) => answer !== undefined);
  const unasked = all.flatMap(({ address }, i) => (answers[i] === undefined ? address.device : []));
  return {
    sources: there.map(({ source }) => source),
    inventories: there.map(({ rows }) => rows),
    unasked,
  };
}

function noneOfQuarry(error: unknown): undefined {
  if (!(error instanceof QuarryError)) throw error;
}

async function holdings({ piece, address, peer }: Source, named: boolean) {
  const pages: Uint8Array[] = [];
  let first: Inventory | undefined;
  let after: NeedleId | undefined = 0n as NeedleId;
  while (after !== undefined) {
    const page: Inventory = await peer.inventory(address, after);
    if (named && page.piece.piece !== piece)
      throw new QuarryError(
        "InvalidArgument",
        `device ${address.device} has piece ${page.piece.piece} of block ${address.block}, not ${piece}`,
      );
    first ??= page;
    pages.push(page.rows);
    after = page.next;
  }
  const rows = Buffer.concat(pages);
  for (const page of pages) payloadPool.give(page);
  const { salt, digest } = first ?? {};
  const source: AskedSource = {
    ...{ piece, address, peer },
    ...(salt !== undefined && { seed: seedOfBlock({ ...address, salt }) }),
    ...(digest !== undefined && { digest }),
  };
  return { source, rows };
}

const LAST_ID = 2n ** 64n - 1n;

/** Whether something may have been removed since they were asked. Who does not answer now is left out. */
export async function haveChanged(sources: readonly AskedSource[]): Promise<boolean> {
  const changes = await Promise.all(
    sources.map(async ({ peer, address, digest }) => {
      if (digest === undefined) return true;
      const now = await peer.inventory(address, LAST_ID as NeedleId).catch(noneOfQuarry);
      return now !== undefined && now.digest !== digest;
    }),
  );
  return changes.some((has) => has);
}

/** What stands in the source's file; undefined when its disk cannot read it. */
export async function recordsOf(
  { peer, address }: Source,
  { offset, endOffset }: Run,
): Promise<Buffer | undefined> {
  try {
    const { data } = await peer.records(address, offset, endOffset - offset);
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  } catch (error) {
    if (!hasCode(error, "DiskFailed")) throw error;
    return undefined;
  }
}
