/** The version of an object that a request names. */
import { hasCode } from "../../base/errors.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import { bucketOf, type Call } from "../call.ts";
import { S3Error } from "./errors.ts";

export interface NamedVersion {
  readonly bucket: string;
  readonly key: string;
  /** Absent: the current one. */
  readonly version?: string;
}

export function versionIdOf(call: Call): string | undefined {
  const version = call.target.query.get("versionId");
  if (version === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string");
  return version;
}

/** For verbs that need the description only. @throws as {@link existing}. */
export async function existingVersion(call: Call): Promise<ObjectInfo> {
  const { object } = await existing(call, (named) => call.store.names.lookup(named));
  return object;
}

/**
 * Looks up what the request names, and asks whether the caller may use it.
 * @throws S3Error `NoSuchKey` for a name that a delete marker hides, `MethodNotAllowed` for a delete
 * marker that is named itself; their headers tell of the marker. As the store: `NoSuchVersion` …
 */
export async function existing<Found extends { readonly object: ObjectInfo }>(
  call: Call,
  look: (named: NamedVersion) => Promise<Found>,
): Promise<Found> {
  const { bucket, key } = call.target;
  const version = versionIdOf(call);
  let found: Found;
  try {
    found = await look({ bucket, key, ...(version !== undefined && { version }) });
  } catch (error) {
    if (!hasCode(error, "NoSuchKey")) throw error;
    const headers = { "x-amz-delete-marker": "false" };
    throw new S3Error("NoSuchKey", undefined, { Key: key }, { cause: error, headers });
  }
  if (found.object.deleteMarker) throw refusalOfMarker(call, found.object);
  call.permit(found.object);
  return found;
}

function refusalOfMarker(call: Call, { version, modifiedMs }: ObjectInfo): S3Error {
  const { key, query } = call.target;
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": version };
  if (!query.has("versionId"))
    return new S3Error("NoSuchKey", undefined, { Key: key }, { headers });
  const detail = { ResourceType: "DeleteMarker" };
  return new S3Error("MethodNotAllowed", undefined, detail, {
    headers: {
      ...headers,
      Allow: "DELETE",
      "Last-Modified": new Date(modifiedMs).toUTCString(),
    },
  });
}

/** x-amz-version-id of a version that was written, where it has one of its own. */
export function versionHeader(version: string): Record<string, string> {
  return version === "null" ? {} : { "x-amz-version-id": version };
}

/** x-amz-version-id of a version that was read: the null version has it where there may be others. */
export function readVersionHeader(call: Call, version: string): Record<string, string> {
  return bucketOf(call).versioning === undefined
    ? versionHeader(version)
    : { "x-amz-version-id": version };
}
