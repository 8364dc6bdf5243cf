/** GET /?quarry-users: all users with their access keys, as JSON, a page at a time. */
import { type Answer, jsonAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

const PAGE = 100;

export async function listUsers(call: Call): Promise<Answer> {
  const { names } = call.store;
  const found = await names.users(call.target.query.get("marker") ?? "", PAGE);
  const users = await Promise.all(found.map(async ({ id }) => await names.user({ id })));
  return jsonAnswer({ users, ...(found.length === PAGE && { next: found.at(-1)?.id }) });
}
