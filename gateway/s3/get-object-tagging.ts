/** GET /bucket/key?tagging */
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { existingVersion, readVersionHeader } from "./existing-version.ts";
import { taggingXml } from "./tag-set.ts";

export async function getObjectTagging(call: Call): Promise<Answer> {
  const { attributes, version } = await existingVersion(call);
  return xmlAnswer(taggingXml(attributes.tags ?? {}), readVersionHeader(call, version));
}
