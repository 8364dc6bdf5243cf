/** PUT /bucket?ownershipControls */

import { parseOwnershipControls } from "../acl/ownership-rule.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { S3Error } from "./errors.ts";

export async function putOwnership(call: Call): Promise<Answer> {
  const { name, acl } = bucketOf(call);
  const ownership = parseOwnershipControls(await readSmallBody(call.payload(settingWishes)));
  // Lists are switched off with open eyes: who was granted something is to be taken off it first.
  if (ownership === "BucketOwnerEnforced" && acl !== undefined)
    throw new S3Error("InvalidBucketAclWithObjectOwnership");
  await call.store.names.execute({ type: "configureBucket", bucket: name, change: { ownership } });
  return emptyAnswer(200);
}
