/** Walks over the blocks of the metadata from one on, some at a time. */
import type { BlockId } from "../../base/ids.ts";
import type { StateReader } from "../group/group.ts";
import { KeyReader, keys, prefixEnd, prefixOf } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { BlockRow } from "../rows.ts";

const PAGE = 1_000;

export async function* blockRows(
  state: StateReader,
  from = 0 as BlockId,
): AsyncGenerator<{ readonly block: BlockId; readonly row: BlockRow }> {
  await using cursor = state.range(keys.block(from), prefixEnd(prefixOf("block")));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key, value } of page)
      yield { block: new KeyReader(key).u32() as BlockId, row: decodeRow<BlockRow>(key, value) };
}

/** Ids of blocks that there were. */
export async function* removedBlocks(state: StateReader): AsyncGenerator<BlockId> {
  const prefix = prefixOf("removedBlock");
  await using cursor = state.range(prefix, prefixEnd(prefix));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key } of page) yield new KeyReader(key).u32() as BlockId;
}
