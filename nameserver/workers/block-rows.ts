/** Walks over all blocks of the metadata, some at a time. */
import type { BlockId } from "../../base/ids.ts";
import type { StateReader } from "../group.ts";
import { KeyReader, prefixEnd, prefixOf } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { BlockRow } from "../rows.ts";

const PAGE = 1_000;

export async function* blockRows(
  state: StateReader,
): AsyncGenerator<{ readonly block: BlockId; readonly row: BlockRow }> {
  const all = prefixOf("block");
  await using cursor = state.range(all, prefixEnd(all));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key, value } of page)
      yield { block: new KeyReader(key).u32() as BlockId, row: decodeRow<BlockRow>(key, value) };
}
