/** Bugs to plant in what a leader does with blocks, in what applying makes of them, in dataservers. */
import { type BlockRules, blockRules } from "../../nameserver/block-rules.ts";
import { StoredSessions } from "../../nameserver/session-rows.ts";
import type { StateReads } from "../../nameserver/state-store.ts";
import { isNamed } from "../../nameserver/workers/settle.ts";
import type { WorkContext, Worker } from "../../nameserver/workers/worker.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { Flaw } from "./flaw.ts";
import { inPlaceOf } from "./planting.ts";
import { rebuilt } from "./sim-blocks.ts";

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
  return { ...blocks, compact };
}

/** A generation is switched to as soon as it is built. */
function uncommanded(blocks: BlockService): BlockService {
  const compact: BlockService["compact"] = async (address) => {
    const status = await blocks.compact(address);
    await blocks.switchGeneration({ ...address, generation: address.generation + 1 });
    return status;
  };
  return { ...blocks, compact };
}

export const plantedInBlocks: readonly Flaw[] = [
  {
    name: "a deposed leader removes an empty block of its successor",
    plant: rule({ goesWithoutCommand: true }),
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
  {
    name: "a rebuilt block lacks the last needle",
    rebuilds: (block) => {
      const next = rebuilt(block);
      const last = [...next.needles.keys()].at(-1);
      if (last !== undefined) next.needles.delete(last);
      return next;
    },
  },
  { name: "a needle is acknowledged before it is durable", storesEarly: true },
  {
    name: "a settled block takes a first reference",
    knownSeed: 11,
    plant: rule({ takesReferences: () => true }),
  },
  { name: "a copy does not count as a holder", plant: rule({ oneMore: (holders) => holders }) },
  { name: "a tombstone does not reach the next generation", forgetsTombstones: true },
  {
    name: "a change that is sent again is applied again",
    plant: inPlaceOf(StoredSessions.prototype, "getResult", () => () => undefined),
  },
];
