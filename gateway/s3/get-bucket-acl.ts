/** GET /bucket?acl */
import { aclAnswer } from "../acl/acl-answer.ts";
import { controlOfBucket } from "../acl/evaluate.ts";
import type { Answer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";

export async function getBucketAcl(call: Call): Promise<Answer> {
  return await aclAnswer(call, controlOfBucket(bucketOf(call)));
}
