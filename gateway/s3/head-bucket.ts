/** HEAD /bucket */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function headBucket(call: Call): Promise<Answer> {
  await call.store.names.bucket(call.target.bucket);
  return emptyAnswer(200, {
    "x-amz-bucket-region": call.region,
    "x-amz-access-point-alias": "false",
  });
}
