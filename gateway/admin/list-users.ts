/** GET /?quarry-users: all users with their access keys, as JSON, a page at a time. */
import { type Answer, jsonAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

const PAGE = 100;

export async function listUsers(call: Call): Promise<Answer> {
  const { names } = call.store;
  const found = await names.users(call.target.query.get("marker") ?? "", PAGE);
  const known = await Promise.all(found.map(async ({ id }) => await names.user({ id })));
  // Who was removed between the two look-ups is not there.
  const users = known.filter((user) => user !== undefined);
  return jsonAnswer({ users, ...(found.length === PAGE && { next: found.at(-1)?.id }) });
}
