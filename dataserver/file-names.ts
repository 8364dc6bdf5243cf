/**
 * Files of a device directory, by block id in 8 hexadecimal digits:
 *
 *     NNNNNNNN.block           the block's needles
 *     NNNNNNNN.index           a checkpoint of its index
 *     NNNNNNNN.block.gG.staged    generation G in another layout, complete, waiting for its switch
 *     NNNNNNNN.block.gG        generation G, complete, waiting for its switch
 *     NNNNNNNN.block.rebuilt.new  being made anew from the other members
 *     *.new                    being written; removed at the next start
 */
import type { BlockId } from "../base/ids.ts";

const stem = (block: BlockId) => block.toString(16).padStart(8, "0");

export const blockPath = (directory: string, block: BlockId) => `${directory}/${stem(block)}.block`;

export const indexPath = (directory: string, block: BlockId) => `${directory}/${stem(block)}.index`;

export const builtPath = (directory: string, block: BlockId, generation: number) =>
  `${blockPath(directory, block)}.g${generation}`;

export const stagedPath = (directory: string, block: BlockId, generation: number) =>
  `${builtPath(directory, block, generation)}.staged`;

export const rebuiltPath = (directory: string, block: BlockId) =>
  `${blockPath(directory, block)}.rebuilt.new`;

export type StoredFile =
  | { readonly kind: "block" | "index"; readonly block: BlockId }
  | { readonly kind: "built" | "staged"; readonly block: BlockId; readonly generation: number }
  | { readonly kind: "unfinished" };

/** What a name in a device directory is; undefined for what is none of ours. */
export function storedFile(name: string): StoredFile | undefined {
  if (/^[0-9a-f]{8}\.block\.rebuilt\.new$/.test(name)) return { kind: "unfinished" };
  const found = /^([0-9a-f]{8})\.(?:(block|index)|block\.g(\d+)(\.staged)?)(\.new)?$/.exec(name);
  if (found === null) return undefined;
  const [, digits = "", plain, generation, staged, unfinished] = found;
  const block = Number.parseInt(digits, 16) as BlockId;
  if (unfinished !== undefined) return { kind: "unfinished" };
  if (plain === "block" || plain === "index") return { kind: plain, block };
  return { kind: staged === undefined ? "built" : "staged", block, generation: Number(generation) };
}
