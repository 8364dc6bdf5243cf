/**
 * Orders of a leader carry the term in which they were decided, not the one in which they are sent:
 * who was deposed meanwhile is refused (INV-7).
 */
import type { Term } from "../base/ids.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { Group } from "./group/group.ts";
import type { Worker } from "./workers/worker.ts";

/** The same dataservers; what is ordered of them carries the term, unless it carries one already. */
export function ordersIn(blocks: BlockService, termOf: () => Term): BlockService {
  return {
    devices: () => blocks.devices(),
    blocks: (device, after, limit) => blocks.blocks(device, after, limit),
    append: (request, data) => blocks.append(request, data),
    read: (request) => blocks.read(request),
    needles: (address, cursor, limit) => blocks.needles(address, cursor, limit),
    report: (device, after, limit) => blocks.report(device, after, limit),
    inventory: (address, after) => blocks.inventory(address, after),
    fetch: (address, needles, check) => blocks.fetch(address, needles, check),
    records: (address, offset, lengthBytes) => blocks.records(address, offset, lengthBytes),
    rebuilds: (device) => blocks.rebuilds(device),
    readStripe: (request) => blocks.readStripe(request),
    staged: (device) => blocks.staged(device),

    createBlock: (order, piece, keeping) =>
      blocks.createBlock({ term: termOf(), ...order }, piece, keeping),
    remove: (order, needles) => blocks.remove({ term: termOf(), ...order }, needles),
    sealBlock: (order) => blocks.sealBlock({ term: termOf(), ...order }),
    compact: (order) => blocks.compact({ term: termOf(), ...order }),
    switchGeneration: (order) => blocks.switchGeneration({ term: termOf(), ...order }),
    retire: (order) => blocks.retire({ term: termOf(), ...order }),
    rebuild: (order) => blocks.rebuild({ term: termOf(), ...order }),
    stage: (order, offset, data) => blocks.stage({ term: termOf(), ...order }, offset, data),
    finishStage: (order, bytes) => blocks.finishStage({ term: termOf(), ...order }, bytes),
    dropStage: (order) => blocks.dropStage({ term: termOf(), ...order }),
    convert: (order) => blocks.convert({ term: termOf(), ...order }),
  };
}

/**
 * Workers whose orders carry the term in which their step began; they take turns. What goes on beside
 * its steps names the term itself.
 */
export function stepsInTerm(
  group: Group,
  blocks: BlockService,
  workersWith: (orders: BlockService) => readonly Worker[],
): Worker[] {
  let { term } = group;
  const workers = workersWith(ordersIn(blocks, () => term));
  return workers.map((worker) => ({
    name: worker.name,
    async step() {
      // Who is no leader any more may have heard of a term that is not its own.
      if (!group.isLeader) return false;
      term = group.term;
      return await worker.step();
    },
    ...(worker.end && { end: () => worker.end?.() ?? Promise.resolve() }),
  }));
}
