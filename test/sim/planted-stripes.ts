/** Bugs to plant in what makes stripes of blocks, keeps them and makes their members anew. */
import { Block } from "../../dataserver/block.ts";
import { TargetFile } from "../../dataserver/striped/targets.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { Flaw } from "./flaw.ts";
import { inPlaceOf, withMethods } from "./planting.ts";

/** The copies go as soon as their stripes wait, and before the command. */
function copiesFirst(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    convert: async (order) => {
      const made = await blocks.convert(order);
      const { block, generation, term, sources } = order;
      const [from] = sources;
      const at = { block, generation, surplus: true as const, ...(term !== undefined && { term }) };
      if (from !== undefined) await blocks.retire({ ...at, device: from.device });
      return made;
    },
  });
}

/** One member's file is given up before the command. */
function droppedEarly(blocks: BlockService): BlockService {
  return withMethods(blocks, {
    convert: async (order) => {
      const made = await blocks.convert(order);
      const { block, generation, term, targets } = order;
      const last = targets.at(-1);
      const at = { block, generation: generation + 1, ...(term !== undefined && { term }) };
      if (last !== undefined) await blocks.dropStage({ ...at, device: last.device });
      return made;
    },
  });
}

export const plantedInStripes: readonly Flaw[] = [
  { name: "copies go before they are stripes", knownSeed: 2, orders: copiesFirst },
  { name: "a member of stripes is dropped before the command", knownSeed: 2, orders: droppedEarly },
  {
    name: "a parity is not that of its ranges",
    knownSeed: 2,
    plant: inPlaceOf(TargetFile.prototype, "appendRange", (right) => {
      return function appendRange(this: TargetFile, bytes) {
        const { piece, k } = this.superblock;
        const wrong = Uint8Array.from(bytes);
        if (piece >= k) wrong[0] = (wrong[0] ?? 0) ^ 1;
        return right.call(this, wrong);
      };
    }),
  },
  {
    name: "what is removed while stripes are made is in them",
    knownSeed: 10,
    plant: inPlaceOf(Block.prototype, "remove", (right) => {
      return function remove(this: Block, needles) {
        return this.path.endsWith(".staged") ? Promise.resolve() : right.call(this, needles);
      };
    }),
  },
];
