/** DELETE /bucket/key: what is not there is deleted already. */
import { hasCode } from "../../base/errors.ts";
import type { Command } from "../../rpc/commands.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { S3Error } from "./errors.ts";
import { bareEtag } from "./write-conditions.ts";

export async function deleteObject(call: Call): Promise<Answer> {
  const { bucket, key, query } = call.target;
  const ifMatch = call.headers["if-match"];
  const done = await removeKey(call, { bucket, key, versionId: query.get("versionId"), ifMatch });
  const headers: Record<string, string> = {};
  if (done.version !== undefined && done.version !== "null")
    headers["x-amz-version-id"] = done.version;
  if (done.deleteMarker) headers["x-amz-delete-marker"] = "true";
  return emptyAnswer(204, headers);
}

export interface Removal {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly ifMatch: string | undefined;
}

export async function removeKey(
  call: Call,
  { bucket, key, versionId, ifMatch }: Removal,
): Promise<{ readonly version?: string; readonly deleteMarker: boolean }> {
  // Buckets have no versions yet but the null version, which is the current one.
  if (versionId !== undefined && versionId !== "null")
    throw new S3Error("NotImplemented", "Deleting a version by its id is not implemented.");
  const command: Command = {
    type: "deleteObject",
    bucket,
    key,
    ...(versionId === undefined ? {} : { version: "null" }),
    ...(ifMatch === undefined ? {} : { conditions: { ifMatch: bareEtag(ifMatch) } }),
  };
  try {
    const result = await call.store.names.execute(command);
    if (result.type !== "version") return { deleteMarker: false };
    return { version: result.version, deleteMarker: result.deleteMarker === true };
  } catch (error) {
    if (ifMatch === undefined && hasCode(error, "NoSuchKey", "NoSuchVersion"))
      return { deleteMarker: false };
    throw error;
  }
}
