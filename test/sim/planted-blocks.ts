/** Bugs to plant in what a leader does with blocks, in what applying makes of them, in dataservers. */
import { QuarryError } from "../../base/errors.ts";
import { Block } from "../../dataserver/block.ts";
import { type BlockRules, blockRules } from "../../nameserver/block-rules.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { StoredSessions } from "../../nameserver/session-rows.ts";
import type { StateReads } from "../../nameserver/state-store.ts";
import { isNamed } from "../../nameserver/workers/settle.ts";
import type { WorkContext, Worker } from "../../nameserver/workers/worker.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { Flaw } from "./flaw.ts";
import { inPlaceOf, withMethods } from "./planting.ts";

const rule = (wrong: Partial<BlockRules>) => () => {
  const right = { ...blockRules };
  Object.assign(blockRules, wrong);
  return () => Object.assign(blockRules, right);
};

/** How often a leader that acts on what it once knew looks again. */
const KNOWN_FOR_MS = 400;

/** Work that judges by the state as it was some time ago. */
function byOldState(
  name: string,
  act: (context: WorkContext, known: StateReads) => Promise<void>,
): (context: WorkContext) => Worker[] {
  return (context) => {
    let known: { readonly state: StateReads; readonly atMs: number } | undefined;
    const step = async () => {
      const nowMs = context.clock.monotonicMs();
      if (known === undefined) known = { state: context.group.state.snapshot(), atMs: nowMs };
      if (nowMs - known.atMs < KNOWN_FOR_MS) return false;
      const { state } = known;
      known = undefined;
      await act(context, state);
      return false;
    };
    return [{ name, step }];
  };
}

async function removeUnnamed({ group, blocks }: WorkContext, known: StateReads): Promise<void> {
  for (const { device, state } of await blocks.devices()) {
    if (state === "down" || state === "failed") continue;
    for (const { block, generation, sealed } of await blocks.blocks(device, 0, 100)) {
      const address = { device, block, generation };
      if (!sealed || !group.isLeader) continue;
      const { entries } = await blocks.needles(address, 0, 100);
      const gone = entries.filter((entry) => !isNamed(known, block, entry));
      await blocks.remove(
        address,
        gone.map(({ needle }) => needle),
      );
    }
  }
}

/** A generation is said to be built at once. */
function unproved(blocks: BlockService): BlockService {
  const compact: BlockService["compact"] = async ({ block, generation }) => ({
    ...{ block, generation: generation + 1, sealed: true, needles: 0 },
    ...{ liveBytes: 0, fileBytes: 0, digest: 0n, damage: [] },
  });
  return withMethods(blocks, { compact });
}

/** A generation is switched to as soon as it is built. */
function uncommanded(blocks: BlockService): BlockService {
  const compact: BlockService["compact"] = async (address) => {
    const status = await blocks.compact(address);
    await blocks.switchGeneration({ ...address, generation: address.generation + 1 });
    return status;
  };
  return withMethods(blocks, { compact });
}

/** What a leader did that was deposed while it took stock, before a command was asked for. */
async function retireUnknown({ blocks }: WorkContext, known: StateReads): Promise<void> {
  for (const { device } of await blocks.devices())
    try {
      for (const { block, generation, needles } of await blocks.blocks(device, 0, 1_000))
        if (needles === 0 && read(known, keys.block(block)) === undefined)
          await blocks.retire({ device, block, generation });
    } catch (error) {
      if (!(error instanceof QuarryError)) throw error;
    }
}

export const plantedInBlocks: readonly Flaw[] = [
  {
    name: "an empty block goes because an old state does not know it",
    work: byOldState("removal of blocks by an old state", retireUnknown),
  },
  {
    name: "needles are removed that nobody named some time ago",
    work: byOldState("removal by an old state", removeUnnamed),
  },
  { name: "open blocks are swept", plant: rule({ mayBeSwept: () => true }) },
  {
    name: "sealed blocks are swept before they settle",
    plant: rule({
      mayBeSwept: (state) => state !== "open",
      mayBeSettled: (sealedMs, afterMs, nowMs) => sealedMs + 3 * afterMs <= nowMs,
    }),
  },
  { name: "a block settles at once", plant: rule({ mayBeSettled: () => true }) },
  { name: "a deleted name is not held", plant: rule({ heldUntilMs: (goneMs) => goneMs }) },
  { name: "a generation is switched to before it was proved", orders: unproved },
  { name: "a generation is switched to without a command", orders: uncommanded },
  { name: "a needle is acknowledged before it is durable", storesEarly: true },
  {
    name: "a settled block takes a first reference",
    knownSeed: 11,
    plant: rule({ takesReferences: () => true }),
  },
  { name: "a copy does not count as a holder", plant: rule({ oneMore: (holders) => holders }) },
  {
    name: "a tombstone does not reach the next generation",
    knownSeed: 7,
    plant: inPlaceOf(Block.prototype, "remove", (right) => {
      return function remove(this: Block, needles) {
        return /\.g\d+$/.test(this.path) ? Promise.resolve() : right.call(this, needles);
      };
    }),
  },
  {
    name: "a change that is sent again is applied again",
    plant: inPlaceOf(StoredSessions.prototype, "getResult", () => () => undefined),
  },
];
