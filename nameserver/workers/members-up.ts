/** Work that needs every member of a block waits while one is down: the others would do it in vain. */
import { filled } from "../../rpc/name-service.ts";
import type { BlockRow } from "../rows.ts";
import type { WorkContext } from "./worker.ts";

export async function areMembersUp(
  { blocks }: Pick<WorkContext, "blocks">,
  { members }: Pick<BlockRow, "members">,
): Promise<boolean> {
  const wanted = new Set(filled(members));
  const states = await blocks.devices();
  return !states.some(({ device, state }) => state === "down" && wanted.has(device));
}
