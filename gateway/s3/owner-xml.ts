/** The Owner and Initiator elements. A name is shown where it is known: for the caller. */
import type { Identity } from "../identity.ts";
import { element, wrap } from "../xml-write.ts";

export function ownerXml(name: string, caller: Identity, owner: string): string {
  const display = owner === caller.id ? caller.displayName : undefined;
  return wrap(name, element("ID", owner) + element("DisplayName", display));
}
