/** GET /bucket?cors */
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { corsXml } from "../cors/configuration.ts";
import { S3Error } from "./errors.ts";

export async function getBucketCors(call: Call): Promise<Answer> {
  const { name, cors } = bucketOf(call);
  if (cors === undefined)
    throw new S3Error("NoSuchCORSConfiguration", undefined, { BucketName: name });
  return xmlAnswer(corsXml(cors));
}
