/** DELETE /bucket/key: what is not there is deleted already. */
import type { Command } from "../../rpc/commands.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { S3Error } from "./errors.ts";
import { versionIdOf } from "./existing-version.ts";
import { type DeleteDemands, deleteConditions, demandsOf } from "./write-conditions.ts";

export async function deleteObject(call: Call): Promise<Answer> {
  const { key } = call.target;
  const versionId = versionIdOf(call);
  const done = await removeKey(call, key, versionId, demandsOf(call.headers));
  const version = done.version ?? versionId;
  const headers: Record<string, string> = {};
  if (version !== undefined) headers["x-amz-version-id"] = version;
  if (done.deleteMarker) headers["x-amz-delete-marker"] = "true";
  return emptyAnswer(204, headers);
}

export interface Removed {
  /** The delete marker that was made, or the version that was removed; absent when there is none. */
  readonly version?: string;
  readonly deleteMarker: boolean;
}

/** @throws S3Error, QuarryError. */
export async function removeKey(
  call: Call,
  key: string,
  versionId: string | undefined,
  demands: DeleteDemands,
): Promise<Removed> {
  // As at AWS, a grant to write is none to take what versioning is to keep.
  if (versionId !== undefined && call.identity.id !== bucketOf(call).owner)
    throw new S3Error("AccessDenied", "Only the owner of the bucket may delete a version.");
  const conditions = deleteConditions(call, demands);
  const command: Command = {
    type: "deleteObject",
    bucket: call.target.bucket,
    key,
    ...(versionId === undefined ? {} : { version: versionId }),
    ...(conditions === undefined ? {} : { conditions }),
  };
  const result = await call.store.names.execute(command);
  if (result.type !== "version") return { deleteMarker: false };
  return { version: result.version, deleteMarker: result.deleteMarker === true };
}
