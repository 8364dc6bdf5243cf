/** Answers with a list: where none was set, the owner's full control. */
import type { Grant } from "../../rpc/objects.ts";
import { type Answer, type AnswerHeaders, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { displayNamesOf } from "../s3/owner-xml.ts";
import { aclDocument } from "./acl-xml.ts";
import { cannedGrants } from "./canned.ts";
import type { Controlled } from "./evaluate.ts";

export async function aclAnswer(
  call: Call,
  { owner, acl = cannedGrants("private", { owner }) }: Controlled,
  headers?: AnswerHeaders,
): Promise<Answer> {
  const names = await displayNamesOf(call, [owner, ...acl.flatMap(userOf)]);
  return xmlAnswer(aclDocument(owner, acl, names), headers);
}

function userOf({ grantee }: Grant): string[] {
  return grantee.type === "user" ? [grantee.id] : [];
}
