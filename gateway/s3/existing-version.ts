/** The version of an object that a request names, for verbs that need its description only. */
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { Call } from "../call.ts";
import { S3Error } from "./errors.ts";

export function versionIdOf(call: Call): string | undefined {
  const version = call.target.query.get("versionId");
  if (version === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string");
  return version;
}

/** @throws S3Error `NoSuchKey` or `MethodNotAllowed` for a delete marker. */
export async function existingVersion(call: Call): Promise<ObjectInfo> {
  const { bucket, key } = call.target;
  const version = versionIdOf(call);
  const { object } = await call.store.names.lookup({
    bucket,
    key,
    ...(version !== undefined && { version }),
  });
  if (object.deleteMarker)
    throw new S3Error(version === undefined ? "NoSuchKey" : "MethodNotAllowed", undefined, {
      Key: key,
    });
  return object;
}

/** x-amz-version-id, where the bucket has versions. */
export function versionHeader(version: string): Record<string, string> {
  return version === "null" ? {} : { "x-amz-version-id": version };
}
