/**
 * POST /bucket/key?quarry-undelete: Quarry's own verb. Brings back the newest deleted or overwritten
 * version of a key that has no current one, while it is held (an hour, unless set otherwise).
 */
import { hasCode } from "../../base/errors.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { S3Error } from "./errors.ts";

export async function undeleteObject(call: Call): Promise<Answer> {
  const { bucket, key } = call.target;
  try {
    await call.store.names.execute({ type: "undelete", bucket, key });
  } catch (error) {
    if (hasCode(error, "NoSuchKey"))
      throw new S3Error(
        "NoSuchKey",
        "Nothing of this key is held any more: it was never there, or its hold time has ended.",
      );
    throw error;
  }
  return emptyAnswer(200, {});
}
