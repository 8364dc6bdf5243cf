/** Bugs to plant in what makes blocks whole again: in what the planner orders, knows and commands. */

import { QuarryError } from "../../base/errors.ts";
import type { DeviceId, Term } from "../../base/ids.ts";
import { TermFile } from "../../dataserver/term-file.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { WorkContext, Worker } from "../../nameserver/workers/worker.ts";
import type { BlockService, Order } from "../../rpc/block-service.ts";
import type { Flaw } from "./flaw.ts";
import { inPlaceOf, withMethods } from "./planting.ts";

/** The member that moves lets go of the block as soon as the new one is made. */
function retireFirst(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    rebuild: async (order) => {
      const made = await blocks.rebuild(order);
      const from = order.sources.find(({ device }) => device !== order.device);
      if (from !== undefined) await blocks.retire({ ...order, device: from.device, surplus: true });
      return made;
    },
  });
}

/** A member is said to be made at once. */
function madeAtOnce(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    rebuild: async ({ block, generation }) => ({
      status: {
        ...{ block, generation, sealed: true, needles: 0, liveBytes: 0, fileBytes: 0 },
        ...{ digest: 0n, damage: [] },
      },
      ...{ readBytes: 0, writtenBytes: 0, lost: [], lostCount: 0, unasked: [] },
    }),
  });
}

/** A member gives its piece up for another that was just made. */
function givenUp(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    rebuild: async (order) => {
      const made = await blocks.rebuild(order);
      const { piece, scheme, sources } = order;
      const from = sources.find((source) => source.piece !== piece);
      if (scheme.k === 1 || from === undefined) return made;
      const rest = sources.filter((source) => source !== from);
      const again = { ...order, device: from.device, sources: rest, replaces: from.piece };
      await blocks.rebuild(again).catch((error: unknown) => {
        if (!(error instanceof QuarryError)) throw error;
      });
      return made;
    },
  });
}

/** Nobody is asked what it holds of a block. */
function unasked(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    inventory: async (address, after) => {
      const { next: _, ...page } = await blocks.inventory(address, after);
      return { ...page, rows: new Uint8Array(0) };
    },
  });
}

/** Orders go without their term. */
function termless(blocks: BlockService): BlockService {
  const without = <Asked extends Order>({ term: _, ...order }: Asked) => order as Asked;
  return withMethods(blocks, {
    rebuild: (order) => blocks.rebuild(without(order)),
    retire: (order) => blocks.retire(without(order)),
  });
}

/** Who holds a block and is no member lets go of it, however the members stand. */
function retireAnyway({ group, blocks, clock }: WorkContext): Worker[] {
  let lookedMs = 0;
  const retireOn = async (device: DeviceId) => {
    for (const { block, generation } of await blocks.blocks(device, 0, 1_000)) {
      const row = read(group.state, keys.block(block));
      if (row === undefined || row.state === "open" || row.members.includes(device)) continue;
      const order = { device, block, generation, term: group.term as Term };
      await blocks.retire({ ...order, surplus: true });
    }
  };
  const step = async () => {
    if (clock.monotonicMs() - lookedMs < LOOK_MS) return false;
    lookedMs = clock.monotonicMs();
    for (const { device, state } of await blocks.devices())
      if (state !== "down")
        await retireOn(device).catch((error: unknown) => {
          if (!(error instanceof QuarryError)) throw error;
        });
    return false;
  };
  return [{ name: "retirement anyway", step }];
}

const LOOK_MS = 150;

export const plantedInHealing: readonly Flaw[] = [
  { name: "a member lets go of a block before the command", orders: retireFirst },
  { name: "a member is moved to before it was made", orders: madeAtOnce },
  { name: "orders of healing carry no term", orders: termless },
  { name: "surplus goes while members are away", work: retireAnyway },
  { name: "a member gives way to another piece", orders: givenUp },
  { name: "nobody is asked what it holds", knownSeed: 10, orders: unasked },
  {
    name: "a device follows leaders that were deposed",
    knownSeed: 21,
    plant: inPlaceOf(TermFile.prototype, "follow", () => () => Promise.resolve()),
  },
];
