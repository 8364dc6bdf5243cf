/** Harms the files of a dataserver that runs, as a disk that rots does, and finds what is still harmed. */
import { readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { nodeDisk } from "../../base/disk-node.ts";
import type { BlockId } from "../../base/ids.ts";
import { flipBits, flipIn } from "../../cli/cluster/corrupt.ts";
import { indexPath } from "../../dataserver/file-names.ts";
import { readCheckpoint } from "../../dataserver/index-file.ts";
import { deviceIn, inspectBlock } from "../../dataserver/inspect.ts";
import type { Dice } from "../../raft/testing/dice.ts";

export interface Harm {
  readonly flips: number;
  /** Block files that end somewhere before their end. */
  readonly truncations: number;
  /** Bits of index files. */
  readonly indexFlips: number;
}

export async function harm(device: string, wanted: Harm, dice: Dice): Promise<void> {
  await flipBits(device, { flips: wanted.flips, seed: dice.u32() });
  const names = await readdir(device);
  const some = (end: string) => dice.pick(names.filter((name) => name.endsWith(end)));
  for (let n = 0; n < wanted.truncations; n++) {
    const name = some(".block");
    if (name === undefined) continue;
    const { size } = await stat(join(device, name));
    await truncate(join(device, name), dice.between(0, size));
  }
  for (let n = 0; n < wanted.indexFlips; n++) {
    const file = some(".index");
    if (file === undefined) continue;
    const { size } = await stat(join(device, file));
    if (size > 0) await flipIn(device, { file, offset: dice.between(0, size - 1), bit: 0 });
  }
}

/** Blocks of a device of which some synced byte is not what it was, found by reading all of it. */
export async function harmedIn(device: string): Promise<BlockId[]> {
  const { blocks } = await deviceIn(nodeDisk, device);
  const harmed: BlockId[] = [];
  for (const block of blocks)
    try {
      const { damage, harmed: needles } = await inspectBlock(nodeDisk, device, block, () => {});
      const index = await readCheckpoint(nodeDisk, indexPath(device, block));
      if (damage.length > 0 || needles.size > 0 || index === "damaged") harmed.push(block);
    } catch (error) {
      // It was switched or retired meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  return harmed;
}
