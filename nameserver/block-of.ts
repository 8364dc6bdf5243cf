/** A block's row as clients and workers see it: what is absent has its default. */
import type { BlockId } from "../base/ids.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import { WHOLE } from "../rpc/pool.ts";
import type { BlockRow } from "./rows.ts";

export function blockOf(
  block: BlockId,
  { generation, pool, scheme = WHOLE, layout = "whole", members }: BlockRow,
): OpenBlock {
  return { block, generation, pool, scheme, layout, members };
}
