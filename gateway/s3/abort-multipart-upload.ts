/** DELETE /bucket/key?uploadId=ID */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function abortMultipartUpload(call: Call): Promise<Answer> {
  const { bucket, key, query } = call.target;
  const upload = query.get("uploadId") ?? "";
  await call.store.names.execute({ type: "abortUpload", bucket, key, upload });
  return emptyAnswer(204);
}
