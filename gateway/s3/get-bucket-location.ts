/** GET /bucket?location: empty for us-east-1, as AWS has it. */
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { escapeXml, xmlDocument } from "../xml-write.ts";

export async function getBucketLocation(call: Call): Promise<Answer> {
  const { region = call.region } = await call.store.names.bucket(call.target.bucket);
  return xmlAnswer(
    xmlDocument("LocationConstraint", region === "us-east-1" ? "" : escapeXml(region)),
  );
}
