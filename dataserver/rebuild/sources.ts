/** The members of a block that another one is made from, and what each of them says it holds. */

import { QuarryError } from "../../base/errors.ts";
import type { DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockAddress } from "../../rpc/block-service.ts";
import type { HealingService } from "../../rpc/healing-service.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import type { StripeService } from "../../rpc/stripe-service.ts";

/** What one dataserver asks of another. */
export type Peer = Pick<HealingService, "inventory" | "fetch"> &
  Pick<StripeService, "readStripe" | "stage" | "finishStage">;

export interface Source {
  readonly piece: number;
  readonly address: BlockAddress;
  readonly peer: Pick<Peer, "inventory" | "fetch">;
}

export interface Asked {
  readonly sources: readonly Source[];
  /** One for each of the sources: rows of an `Inventory`. */
  readonly inventories: readonly Buffer[];
  readonly unasked: readonly DeviceId[];
}

/** Asks all of them; who does not answer, or has another piece, is left out. */
export async function askAll(all: readonly Source[], { k }: PoolScheme): Promise<Asked> {
  const answers = await Promise.all(
    all.map((source) =>
      holdings(source, k > 1).catch((error: unknown) => {
        if (!(error instanceof QuarryError)) throw error;
        return undefined;
      }),
    ),
  );
  const sources = all.filter((_, i) => answers[i] !== undefined);
  const inventories = answers.filter((answer) => answer !== undefined);
  const unasked = all.flatMap(({ address }, i) => (answers[i] === undefined ? address.device : []));
  return { sources, inventories, unasked };
}

async function holdings({ piece, address, peer }: Source, named: boolean): Promise<Buffer> {
  const pages: Uint8Array[] = [];
  let after: NeedleId | undefined = 0n as NeedleId;
  while (after !== undefined) {
    const page: Awaited<ReturnType<Peer["inventory"]>> = await peer.inventory(address, after);
    if (named && page.piece.piece !== piece)
      throw new QuarryError(
        "InvalidArgument",
        `device ${address.device} has piece ${page.piece.piece} of block ${address.block}, not ${piece}`,
      );
    pages.push(page.rows);
    after = page.next;
  }
  return Buffer.concat(pages);
}
