/** PUT /bucket?cors */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { parseCors } from "../cors/configuration.ts";
import { readSmallBody } from "../payload.ts";

export async function putBucketCors(call: Call): Promise<Answer> {
  const payload = call.payload({ etag: false, maxBytes: limits.corsBytes });
  const cors = parseCors(await readSmallBody(payload));
  const { bucket } = call.target;
  await call.store.names.execute({ type: "configureBucket", bucket, change: { cors } });
  return emptyAnswer(200);
}
