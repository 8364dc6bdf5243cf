/** The verbs on names: a file under a key of its bucket, as S3 has it. Its rights are those of the object. */
import { createHash } from "node:crypto";
import { contentTypeOf } from "../../base/content-type.ts";
import { limits } from "../../base/limits.ts";
import { mayList, mayUseObject } from "../acl/permissions.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../answer.ts";
import { typeHeader } from "../percent.ts";
import { S3Error } from "../s3/errors.ts";
import { firstOffset, parseRange, resolveRange } from "../s3/range.ts";
import { judgeRead, rangeCounts } from "../s3/read-conditions.ts";
import type { FidCall } from "./call.ts";

/** PUT /v1/app/name */
export async function putNamed(call: FidCall): Promise<Answer> {
  const { target, store, app, identity, body, request } = call;
  const { lengthBytes, bytes } = body;
  if (lengthBytes !== undefined && lengthBytes > limits.putBytes)
    throw new S3Error("EntityTooLarge");
  const digest = createHash("md5");
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const view of bytes) {
      digest.update(view);
      yield view;
    }
  }
  let etag: string | undefined;
  const isEnforced = app.info.ownership === "BucketOwnerEnforced";
  await store.put(
    { bucket: app.bucket, bucketId: app.id, key: target.name },
    { bytes: hashed(), ...(lengthBytes !== undefined && { lengthBytes }) },
    () => {
      etag ??= digest.digest("hex");
      const contentType = request.headers["content-type"] ?? contentTypeOf(target.name);
      return { etag, contentType, owner: isEnforced ? app.info.owner : identity.id };
    },
  );
  return jsonAnswer({ FILE_NAME: target.name });
}

/** GET and HEAD /v1/app/name */
export async function readNamed(call: FidCall): Promise<Answer> {
  const { target, store, app, identity, request } = call;
  const { headers, method } = request;
  const range = parseRange(headers.range);
  const open = await store
    .open({
      ...{ bucket: app.bucket, key: target.name },
      ...(method !== "HEAD" && { offset: firstOffset(range) }),
    })
    .catch((error: unknown) => {
      throw mayList(identity, app.info) ? error : new S3Error("AccessDenied");
    });
  const { object } = open;
  if (object.deleteMarker) throw new S3Error("NoSuchKey");
  if (!mayUseObject(identity, app.info, object, "READ")) throw new S3Error("AccessDenied");
  const { etag, contentType } = object.attributes;
  const common = {
    ETag: `"${etag}"`,
    "Last-Modified": new Date(object.modifiedMs).toUTCString(),
    "Accept-Ranges": "bytes",
  };
  if (judgeRead(headers, object) === "unchanged") return emptyAnswer(304, common);
  const type = { ...common, "Content-Type": typeHeader(contentType, "application/octet-stream") };
  const ifRange = headers["if-range"];
  const counts = range !== undefined && rangeCounts(String(ifRange ?? "") || undefined, object);
  const part = counts ? resolveRange(range, object.lengthBytes) : undefined;
  if (part === "unsatisfiable")
    throw new S3Error("InvalidRange", undefined, { ActualObjectSize: String(object.lengthBytes) });
  const { offset, lengthBytes } = part ?? { offset: 0, lengthBytes: object.lengthBytes };
  const span = `bytes ${offset}-${offset + lengthBytes - 1}/${object.lengthBytes}`;
  return {
    status: part === undefined ? 200 : 206,
    headers: part === undefined ? type : { ...type, "Content-Range": span },
    body:
      method === "HEAD"
        ? { kind: "head", lengthBytes }
        : { kind: "bytes", lengthBytes, bytes: open.read(offset, lengthBytes) },
  };
}

/** DELETE /v1/app/name */
export async function removeNamed({ target, store, app }: FidCall): Promise<Answer> {
  const { bucket, id: bucketId } = app;
  const { object } = await store.names.lookup({ bucket, key: target.name });
  if (object.deleteMarker) throw new S3Error("NoSuchKey");
  await store.names.execute({ type: "deleteObject", bucket, bucketId, key: target.name });
  return emptyAnswer(200);
}
