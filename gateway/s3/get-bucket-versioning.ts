/** GET /bucket?versioning */
import { type Answer, xmlAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { element, xmlDocument } from "../xml-write.ts";

export async function getBucketVersioning(call: Call): Promise<Answer> {
  const { versioning } = bucketOf(call);
  const status =
    versioning === undefined ? undefined : versioning === "enabled" ? "Enabled" : "Suspended";
  return xmlAnswer(xmlDocument("VersioningConfiguration", element("Status", status)));
}
