/** DELETE /bucket: uploads that nobody finished do not keep a bucket, as at AWS; objects and versions do. */
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";

export async function deleteBucket(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  const remove = () => call.store.names.execute({ type: "deleteBucket", bucket });
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, "BucketNotEmpty") || !(await onlyUploadsLeft(call))) throw error;
    await abortUploads(call);
    await remove();
  }
  return emptyAnswer(204);
}

async function onlyUploadsLeft(call: Call): Promise<boolean> {
  const { objects, versions } = await call.store.names.bucket(call.target.bucket);
  return objects === 0 && versions === 0;
}

async function abortUploads(call: Call): Promise<void> {
  const { bucket } = call.target;
  const { names } = call.store;
  const page = { bucket, prefix: "", delimiter: "", keyAfter: "", uploadAfter: "" };
  for (let more = true; more; ) {
    const { uploads, truncated } = await names.uploads({ ...page, limit: limits.listKeys });
    for (const { key, upload } of uploads)
      await names.execute({ type: "abortUpload", bucket, key, upload });
    more = truncated && uploads.length > 0;
  }
}
