/** PUT /bucket */
import { hasCode } from "../../base/errors.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { readSmallBody, xmlWishes } from "../payload.ts";
import { parseXml, textOf } from "../xml-read.ts";
import { checkBucketName } from "./bucket-name.ts";
import { S3Error } from "./errors.ts";

/** The location constraint must be absent or name the region of this gateway. */
async function checkLocation(call: Call): Promise<void> {
  const length = header(call, "content-length");
  if (length === undefined || length === "0") return;
  const body = await readSmallBody(call.payload(xmlWishes));
  if (body.length === 0) return;
  const constraint = textOf(parseXml(body, "CreateBucketConfiguration"), "LocationConstraint");
  if (constraint === undefined || constraint === "" || constraint === call.region) return;
  throw new S3Error(
    "InvalidLocationConstraint",
    `The specified location constraint is not valid: this endpoint is the region ${call.region}.`,
    { LocationConstraint: constraint },
  );
}

export async function createBucket(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  checkBucketName(bucket);
  await checkLocation(call);
  const { id: userId } = call.identity;
  try {
    await call.store.names.execute({
      type: "createBucket",
      bucket,
      owner: userId,
      region: call.region,
    });
  } catch (error) {
    if (!hasCode(error, "BucketExists")) throw error;
    const { owner } = await call.store.names.bucket(bucket);
    throw new S3Error(
      owner === userId ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists",
      undefined,
      {
        BucketName: bucket,
      },
    );
  }
  return emptyAnswer(200, { Location: `/${bucket}` });
}
