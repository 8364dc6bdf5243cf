/** DELETE /bucket?tagging */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function deleteBucketTagging(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  await call.store.names.execute({ type: "configureBucket", bucket, change: { tags: null } });
  return emptyAnswer(204);
}
