/** GET /bucket?ownershipControls: who owns new objects, where that was set. Otherwise who writes them. */
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";
import { S3Error } from "./errors.ts";

export async function getOwnership(call: Call): Promise<Answer> {
  const { name, ownership } = bucketOf(call);
  if (ownership === undefined)
    throw new S3Error("OwnershipControlsNotFoundError", undefined, { BucketName: name });
  const rule = wrap("Rule", element("ObjectOwnership", ownership));
  return await Promise.resolve(xmlAnswer(xmlDocument("OwnershipControls", rule)));
}
