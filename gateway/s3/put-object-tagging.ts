/** PUT /bucket/key?tagging: replaces all tags of a version. */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { describeTags } from "./describe-tags.ts";
import { S3Error } from "./errors.ts";
import { parseTagging } from "./tag-set.ts";

export async function putObjectTagging(call: Call): Promise<Answer> {
  const tags = parseTagging(await readSmallBody(call.payload(settingWishes)));
  const count = Object.keys(tags).length;
  if (count > limits.tags)
    throw new S3Error("InvalidTag", `Object tags cannot be greater than ${limits.tags}`);
  return emptyAnswer(200, await describeTags(call, count === 0 ? null : tags));
}
