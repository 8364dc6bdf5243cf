/** PUT /bucket/key */
import type { ObjectChecksum } from "../../rpc/objects.ts";
import { ownershipOf } from "../acl/new-object.ts";
import { type Answer, type AnswerHeaders, emptyAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { checksumHeader } from "../checksums.ts";
import { dataWishes } from "../payload.ts";
import { S3Error } from "./errors.ts";
import { attributesOf } from "./object-attributes.ts";
import { conditionsOf } from "./write-conditions.ts";

export async function putObject(call: Call): Promise<Answer> {
  if (call.target.query.has("versionId"))
    throw new S3Error("InvalidArgument", "This operation does not accept a version-id.");
  const { headers } = await storeObject(call);
  return emptyAnswer(200, headers);
}

/** Stores the payload; answers with what is told of it. */
export async function storeObject(
  call: Call,
): Promise<{ readonly etag: string; readonly headers: AnswerHeaders }> {
  const { bucket, key } = call.target;
  if (key === "") throw new S3Error("InvalidArgument", "An object needs a key.");
  const attributes = attributesOf(call, await ownershipOf(call, call.headers));
  const { storageClass } = attributes;
  const conditions = conditionsOf(call);
  const payload = call.payload(dataWishes);
  const stored = await call.store.put(
    {
      ...{ bucket, key, ...(conditions === undefined ? {} : { conditions }) },
      ...(storageClass === undefined ? {} : { storageClass }),
    },
    payload.body,
    () => {
      const { checksum } = payload;
      return {
        ...attributes,
        etag: payload.md5Hex,
        ...(checksum === undefined ? {} : { checksum }),
      };
    },
  );
  const headers = storedHeaders(payload.md5Hex, payload.checksum);
  if (stored.version !== "null") headers["x-amz-version-id"] = stored.version;
  return { etag: payload.md5Hex, headers };
}

/** ETag and checksum as the answer to stored bytes gives them. */
export function storedHeaders(
  etag: string,
  checksum: ObjectChecksum | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { ETag: `"${etag}"` };
  if (checksum !== undefined) {
    headers[checksumHeader(checksum.algorithm)] = checksum.value;
    headers["x-amz-checksum-type"] = checksum.type;
  }
  return headers;
}
