/** PUT /bucket?tagging: replaces all tags. */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { S3Error } from "./errors.ts";
import { parseTagging } from "./tag-set.ts";

export async function putBucketTagging(call: Call): Promise<Answer> {
  const tags = parseTagging(await readSmallBody(call.payload(settingWishes)));
  const count = Object.keys(tags).length;
  if (count > limits.bucketTags)
    throw new S3Error("BadRequest", `Bucket tag count cannot be greater than ${limits.bucketTags}`);
  const { bucket } = call.target;
  const change = { tags: count === 0 ? null : tags };
  await call.store.names.execute({ type: "configureBucket", bucket, change });
  return emptyAnswer(204);
}
