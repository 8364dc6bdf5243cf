/** A multipart upload is used by who began it and by the owner of the bucket, who may both write to it. */
import type { NameService } from "../../rpc/name-service.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import type { Identity } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";
import type { Target } from "../target.ts";

/** @throws S3Error `AccessDenied`. As the store: `NoSuchUpload`. The bucket's owner costs no trip. */
export async function permitUpload(
  names: Pick<NameService, "parts">,
  identity: Identity,
  owner: BucketInfo["owner"] | undefined,
  { bucket, key, query }: Target,
): Promise<void> {
  if (identity.id === owner) return;
  const upload = query.get("uploadId") ?? "";
  const found = await names.parts({ bucket, key, upload, after: 0, limit: 0 });
  if (found.upload.initiator !== identity.id) throw new S3Error("AccessDenied");
}
