/** GET /bucket?location: empty for us-east-1, as AWS has it, unless the bucket was asked for there. */
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { escapeXml, xmlDocument } from "../xml-write.ts";

/** Where AWS began: the region that goes without saying. */
export const FIRST_REGION = "us-east-1";

export async function getBucketLocation(call: Call): Promise<Answer> {
  const unsaid = call.region === FIRST_REGION ? "" : call.region;
  return xmlAnswer(xmlDocument("LocationConstraint", escapeXml(bucketOf(call).region ?? unsaid)));
}
