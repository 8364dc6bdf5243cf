/** The Owner and Initiator elements. Names of users are shown as they are now. */
import { limits } from "../../base/limits.ts";
import type { Call } from "../call.ts";
import { element, wrap } from "../xml-write.ts";

/** By user id; who is not in it is not known (any more). */
export type DisplayNames = ReadonlyMap<string, string>;

/** The caller's name is known; those of others are asked for, a few at a time. */
export async function displayNamesOf(
  { identity, store }: Pick<Call, "identity" | "store">,
  ids: Iterable<string>,
): Promise<DisplayNames> {
  const found = new Map([[identity.id, identity.displayName]]);
  const others = [...new Set(ids)].filter((id) => id !== identity.id);
  for (let i = 0; i < others.length; i += limits.namesAtOnce) {
    const asked = others.slice(i, i + limits.namesAtOnce);
    const users = await Promise.all(asked.map((id) => store.names.user({ id })));
    for (const user of users) if (user !== undefined) found.set(user.id, user.displayName);
  }
  return found;
}

export function ownerElement(name: string, id: string, names: DisplayNames): string {
  const display = names.get(id);
  return wrap(name, element("ID", id) + element("DisplayName", display || undefined));
}
