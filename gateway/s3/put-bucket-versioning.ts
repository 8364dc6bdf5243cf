/** PUT /bucket?versioning: enabled or suspended; once enabled it is never switched off again. */
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { parseXml, textOf } from "../xml-read.ts";
import { S3Error } from "./errors.ts";

export async function putBucketVersioning(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  const body = await readSmallBody(call.payload(settingWishes));
  const root = parseXml(body, "VersioningConfiguration");
  const mfaDelete = textOf(root, "MfaDelete")?.trim() ?? "Disabled";
  if (mfaDelete === "Enabled")
    throw new S3Error("NotImplemented", "There is no MFA delete here: set MfaDelete to Disabled.");
  if (mfaDelete !== "Disabled") throw new S3Error("MalformedXML");
  const versioning = versioningOf(textOf(root, "Status")?.trim());
  await call.store.names.execute({ type: "configureBucket", bucket, change: { versioning } });
  return emptyAnswer(200);
}

function versioningOf(status: string | undefined): "enabled" | "suspended" {
  switch (status) {
    case "Enabled":
      return "enabled";
    case "Suspended":
      return "suspended";
    case undefined:
      throw new S3Error("IllegalVersioningConfigurationException");
    default:
      throw new S3Error("MalformedXML");
  }
}
