/** DELETE /bucket/key?tagging */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { describeTags } from "./describe-tags.ts";

export async function deleteObjectTagging(call: Call): Promise<Answer> {
  return emptyAnswer(204, await describeTags(call, null));
}
