/** DELETE /bucket?cors */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function deleteBucketCors(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  await call.store.names.execute({ type: "configureBucket", bucket, change: { cors: null } });
  return emptyAnswer(204);
}
