/** A multipart upload is used by who began it and by the owner of the bucket, who may both write to it. */
import { hasCode } from "../../base/errors.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import type { Identity } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";
import type { Target } from "../target.ts";

type Names = Pick<NameService, "parts" | "lookup">;

/** @throws S3Error `AccessDenied`. As the store: `NoSuchUpload`. The bucket's owner costs no trip. */
export async function permitUpload(
  names: Names,
  identity: Identity,
  owner: BucketInfo["owner"] | undefined,
  { bucket, key, query }: Target,
): Promise<void> {
  if (identity.id === owner) return;
  const upload = query.get("uploadId") ?? "";
  try {
    const found = await names.parts({ bucket, key, upload, after: 0, limit: 0 });
    if (found.upload.initiator !== identity.id) throw new S3Error("AccessDenied");
  } catch (error) {
    const ended = hasCode(error, "NoSuchUpload") && (await made(names, { bucket, key }, upload));
    if (ended !== identity.id) throw error;
  }
}

/** Who owns what the upload became: to him its completion is answered again. */
async function made(
  names: Names,
  named: { readonly bucket: string; readonly key: string },
  upload: string,
): Promise<string | undefined> {
  try {
    const { object } = await names.lookup(named);
    return object.upload === upload ? object.attributes.owner : undefined;
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return undefined;
    throw error;
  }
}
