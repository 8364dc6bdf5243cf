/** GET /bucket?policyStatus: whether anybody beyond users that are named may use the bucket. */
import { controlOfBucket, isPublic } from "../acl/evaluate.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { element, xmlDocument } from "../xml-write.ts";

export async function getBucketPolicyStatus(call: Call): Promise<Answer> {
  const open = isPublic(controlOfBucket(bucketOf(call)));
  return await Promise.resolve(xmlAnswer(xmlDocument("PolicyStatus", element("IsPublic", open))));
}
