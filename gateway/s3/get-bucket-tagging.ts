/** GET /bucket?tagging */
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { S3Error } from "./errors.ts";
import { taggingXml } from "./tag-set.ts";

export async function getBucketTagging(call: Call): Promise<Answer> {
  const { name, tags } = bucketOf(call);
  if (tags === undefined) throw new S3Error("NoSuchTagSet", undefined, { BucketName: name });
  return xmlAnswer(taggingXml(tags));
}
