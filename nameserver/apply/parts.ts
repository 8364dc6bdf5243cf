/** Parts of an upload in progress: what they hold, whether their bytes came with them or were copied. */
import { QuarryError } from "../../base/errors.ts";
import { FREE } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import type { ObjectChecksum } from "../../rpc/objects.ts";
import { keys } from "../keyspace.ts";
import type { PartRow, SliceTuple } from "../rows.ts";
import { holdBlob, releaseBlob } from "./blobs.ts";
import { bareEtag } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import type { OpenUpload } from "./uploads.ts";

type PartBytes = Pick<PartRow, "blob" | "slices" | "length">;

/** At least one, also of a part without bytes. */
export function slicesOfPart({ blob, slices, length }: PartBytes): readonly SliceTuple[] {
  if (slices !== undefined && slices.length > 0) return slices;
  return [[blob ?? FREE, 0, length]];
}

/** How many keys it takes at most to let go of a part: its row, each blob and its place in a queue. */
export function keysOfPart(part: PartBytes): number {
  return 1 + 2 * slicesOfPart(part).length;
}

export function holdPart(context: ApplyContext, part: PartBytes): void {
  for (const [blob, , length] of slicesOfPart(part)) if (length > 0) holdBlob(context, blob);
}

export function releasePart(context: ApplyContext, part: PartBytes): void {
  for (const [blob, , length] of slicesOfPart(part)) if (length > 0) releaseBlob(context, blob);
}

/** Takes bytes that are held already as a part, in place of what was the part. */
export function putPartRow(
  context: ApplyContext,
  upload: OpenUpload,
  named: { readonly part: number; readonly etag: string; readonly checksum?: ObjectChecksum },
  bytes: PartBytes,
): CommandResult {
  const { part, etag, checksum } = named;
  if (!Number.isInteger(part) || part < 1 || part > limits.partNumber)
    throw new QuarryError("InvalidArgument", `parts are numbered 1 to ${limits.partNumber}`);
  const algorithm = upload.row.checksumAlgorithm;
  if (algorithm !== undefined && checksum !== undefined && checksum.algorithm !== algorithm)
    throw new QuarryError(
      "InvalidArgument",
      `the upload was created with checksum algorithm ${algorithm}; send its parts with that one, not ${checksum.algorithm}`,
    );
  const key = keys.part(upload.id, part);
  const replaced = context.rows.get(key);
  if (replaced !== undefined) releasePart(context, replaced);
  const moreBytes = bytes.length - (replaced?.length ?? 0);
  context.rows.put(upload.key, { ...upload.row, bytes: (upload.row.bytes ?? 0) + moreBytes });
  upload.bucket.count({ pendingBytes: moreBytes });
  upload.bucket.checkQuota();
  context.rows.put(key, {
    ...bytes,
    etag: bareEtag(etag),
    ms: context.timeMs,
    ...(checksum !== undefined && { checksum }),
  });
  return { type: "part", modifiedMs: context.timeMs };
}
