/** PUT /bucket/key?partNumber=N&uploadId=ID */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { dataWishes } from "../payload.ts";
import { partNumberOf } from "./part-number.ts";
import { storedHeaders } from "./put-object.ts";

export async function uploadPart(call: Call): Promise<Answer> {
  const { bucket, key, query } = call.target;
  const upload = query.get("uploadId") ?? "";
  const part = partNumberOf(query);
  // Its class was said when the upload began.
  const about = await call.store.names.parts({ bucket, key, upload, after: 0, limit: 0 });
  const { storageClass } = about.upload;
  const payload = call.payload(dataWishes);
  await call.store.putPart(
    { bucket, key, upload, part, ...(storageClass === undefined ? {} : { storageClass }) },
    payload.body,
    () => {
      const { checksum } = payload;
      return { etag: payload.md5Hex, ...(checksum === undefined ? {} : { checksum }) };
    },
  );
  const headers = storedHeaders(payload.md5Hex, payload.checksum);
  delete headers["x-amz-checksum-type"];
  return emptyAnswer(200, headers);
}
