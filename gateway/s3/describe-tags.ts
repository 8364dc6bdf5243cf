/** Sets or takes away the tags of the version that a request names. */
import type { Call } from "../call.ts";
import { existingVersion, versionHeader, versionIdOf } from "./existing-version.ts";
import type { Tags } from "./tag-set.ts";

/** Answers with the headers that name the version. */
export async function describeTags(call: Call, tags: Tags | null): Promise<Record<string, string>> {
  const { bucket, key } = call.target;
  // For the right refusal of a delete marker. The command describes what is there when it is applied.
  await existingVersion(call);
  const version = versionIdOf(call);
  const result = await call.store.names.execute({
    type: "describeObject",
    bucket,
    key,
    ...(version !== undefined && { version }),
    change: { tags },
  });
  return result.type === "version" ? versionHeader(result.version) : {};
}
