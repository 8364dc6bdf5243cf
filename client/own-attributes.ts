/** What is of one name alone, and not of the content that others link: whose it is, who may, what holds it. */
import type { Change } from "../rpc/commands.ts";
import type { ObjectAttributes } from "../rpc/objects.ts";

export type Attributes = Omit<ObjectAttributes, "etag">;

/** That it is a stream is of its bucket's face, so it is no other's by being linked. */
const own = ["owner", "acl", "retention", "legalHold", "encryption", "stream"] as const;

/** The change that makes of a name's description that of a link: nothing is said of what is not there. */
export function withoutOwn(source: Attributes): Change<Attributes> {
  return Object.fromEntries(
    own.filter((field) => source[field] !== undefined).map((field) => [field, null]),
  );
}
