/** DELETE /bucket */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function deleteBucket(call: Call): Promise<Answer> {
  await call.store.names.execute({ type: "deleteBucket", bucket: call.target.bucket });
  return emptyAnswer(204);
}
