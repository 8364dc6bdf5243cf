/** PUT /bucket/key?partNumber=N&uploadId=ID */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { dataWishes } from "../payload.ts";
import { S3Error } from "./errors.ts";
import { storedHeaders } from "./put-object.ts";

export async function uploadPart(call: Call): Promise<Answer> {
  const { bucket, key, query } = call.target;
  const upload = query.get("uploadId") ?? "";
  const text = query.get("partNumber");
  const part = text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (part < 1 || part > limits.partNumber)
    throw new S3Error(
      "InvalidArgument",
      `Part number must be an integer between 1 and ${limits.partNumber}, inclusive`,
      { ArgumentName: "partNumber", ArgumentValue: text ?? "" },
    );
  const payload = call.payload(dataWishes);
  await call.store.putPart(
    { bucket, key, upload, part },
    { bytes: payload, lengthBytes: payload.lengthBytes },
    () => {
      const { checksum } = payload;
      return { etag: payload.md5Hex, ...(checksum === undefined ? {} : { checksum }) };
    },
  );
  const headers = storedHeaders(payload.md5Hex, payload.checksum);
  delete headers["x-amz-checksum-type"];
  return emptyAnswer(200, headers);
}
