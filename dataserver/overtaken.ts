/**
 * A generation of a block may have been written beside it more than once, by a compaction and by a
 * conversion, and be made anew from other members after all. When one of them is in its place, the others
 * go: nobody asks for them any more, and they take room. A crash leaves them to the next start.
 */
import type { BlockId } from "../base/ids.ts";
import type { Device } from "./device.ts";
import { builtPath, stagedPath } from "./file-names.ts";

/** `before`: the generation that was in its place, if there was one. */
export async function removeOvertaken(
  { options: { disk }, directory }: Device,
  block: BlockId,
  generation: number,
  before?: number,
): Promise<void> {
  const next = before === undefined ? generation : Math.min(before + 1, generation);
  for (const overtaken of new Set([next, generation])) {
    await disk.remove(builtPath(directory, block, overtaken));
    await disk.remove(stagedPath(directory, block, overtaken));
  }
}
