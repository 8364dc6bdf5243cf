/** GET /bucket/key?acl */
import { aclAnswer } from "../acl/acl-answer.ts";
import { controlOfObject } from "../acl/evaluate.ts";
import type { Answer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { existingVersion, versionHeader } from "./existing-version.ts";

export async function getObjectAcl(call: Call): Promise<Answer> {
  const { attributes, version } = await existingVersion(call);
  return await aclAnswer(call, controlOfObject(bucketOf(call), attributes), versionHeader(version));
}
