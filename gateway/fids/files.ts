/** The verbs on fids: store, read, tell of, hide and remove a file. */

import { contentTypeOf } from "../../base/content-type.ts";
import { limits } from "../../base/limits.ts";
import type { FidInfo, Fids, OpenFid } from "../../client/fids/fids.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../answer.ts";
import { S3Error } from "../s3/errors.ts";
import { type ByteRange, parseRange, resolveRange } from "../s3/range.ts";
import { matchesEtag } from "../s3/read-conditions.ts";
import type { FidCall } from "./call.ts";

/** POST /v1/app */
export async function storeFile({ target, fids, body, identity }: FidCall): Promise<Answer> {
  const { app, query } = target;
  const suffix = query.get("simple_name") === "0" ? undefined : query.get("suffix");
  const { lengthBytes, bytes } = body;
  if (lengthBytes !== undefined && lengthBytes > limits.putBytes)
    throw new S3Error("EntityTooLarge");
  const { name } = await fids.store(
    {
      bucket: app,
      ...(suffix !== undefined && { suffix }),
      large: query.get("large_file") === "1",
      attributes: (etag) => ({
        ...{ etag, owner: identity.id },
        ...(suffix !== undefined && { contentType: contentTypeOf(`file${suffix}`) }),
      }),
    },
    { bytes, ...(lengthBytes !== undefined && { lengthBytes }) },
  );
  return jsonAnswer({ TFS_FILE_NAME: name });
}

/** GET and HEAD /v1/app/fid */
export async function readFile(call: FidCall): Promise<Answer> {
  const { target, fids, request } = call;
  const { app, name, fid } = target;
  const { headers, method } = request;
  const open: FidInfo | OpenFid =
    method === "HEAD" ? await shown(fids, app, name) : await fids.fetch(app, name);
  const common = {
    ETag: `"${open.name}"`,
    "Last-Modified": new Date(open.storedMs).toUTCString(),
    "Accept-Ranges": "bytes",
  };
  const known = headers["if-none-match"];
  if (known !== undefined && matchesEtag(known, open.name)) {
    if (isOpen(open)) open[Symbol.dispose]();
    return emptyAnswer(304, common);
  }
  const span = spanOf(call, open);
  const type = { ...common, "Content-Type": contentTypeOf(`file${fid?.suffix ?? ""}`) };
  const { offset, lengthBytes, isPart } = span;
  const status = isPart ? 206 : 200;
  const last = offset + lengthBytes - 1;
  const answered = isPart
    ? { ...type, "Content-Range": `bytes ${offset}-${last}/${open.lengthBytes}` }
    : type;
  if (!isOpen(open)) return { status, headers: answered, body: { kind: "head", lengthBytes } };
  if (open.whole !== undefined) {
    const bytes = open.whole.subarray(offset, offset + lengthBytes);
    const taken = () => open[Symbol.dispose]();
    return { status, headers: answered, body: { kind: "whole", bytes, taken } };
  }
  const bytes = given(open, offset, lengthBytes);
  return { status, headers: answered, body: { kind: "bytes", lengthBytes, bytes } };
}

const isOpen = (file: FidInfo | OpenFid): file is OpenFid => "read" in file;

async function shown(fids: Fids, app: string, name: string): Promise<FidInfo> {
  const { isHidden, ...info } = await fids.stat(app, name);
  if (isHidden) throw new S3Error("NoSuchKey");
  return info;
}

async function* given(open: OpenFid, offset: number, lengthBytes: number) {
  using file = open;
  yield* file.read(offset, lengthBytes);
}

/** By the Range header, or by the parameters offset and size, which answer 200. */
function spanOf({ target, request }: FidCall, { lengthBytes }: FidInfo) {
  const { query } = target;
  const [from, size] = [query.get("offset"), query.get("size")];
  if (from !== undefined || size !== undefined) {
    const offset = Math.min(number("offset", from, 0), lengthBytes);
    const most = number("size", size, lengthBytes);
    return { offset, lengthBytes: Math.min(most, lengthBytes - offset), isPart: false };
  }
  const range: ByteRange | undefined = parseRange(request.headers.range);
  const resolved = range && resolveRange(range, lengthBytes);
  if (resolved === "unsatisfiable")
    throw new S3Error("InvalidRange", undefined, { ActualObjectSize: String(lengthBytes) });
  return resolved === undefined
    ? { offset: 0, lengthBytes, isPart: false }
    : { ...resolved, isPart: true };
}

function number(name: string, text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  if (!/^\d{1,15}$/.test(text))
    throw new S3Error("InvalidArgument", `The parameter ${name} is a whole number of bytes.`);
  return Number(text);
}

/** DELETE /v1/app/fid, which hides and reveals, too. */
export async function removeFile({ target, fids }: FidCall): Promise<Answer> {
  const { app, name, query } = target;
  switch (query.get("hide")) {
    case undefined:
      await fids.remove(app, name);
      break;
    case "1":
      await fids.hide(app, name);
      break;
    case "0":
      await fids.reveal(app, name);
      break;
    default:
      throw new S3Error("InvalidArgument", "The parameter hide is 1 to hide and 0 to reveal.");
  }
  return emptyAnswer(200);
}

const HIDDEN = 4;

/** GET /v1/app/metadata/fid. `type=1`: also of what is hidden. */
export async function tellOfFile({ target, fids }: FidCall): Promise<Answer> {
  const { app, name, query } = target;
  const info = await fids.stat(app, name);
  if (info.isHidden && query.get("type") !== "1") throw new S3Error("NoSuchKey");
  const stored = new Date(info.storedMs).toUTCString();
  const about = {
    FILE_NAME: name,
    BLOCK_ID: info.block,
    FILE_ID: String(info.needle),
    SIZE: info.lengthBytes,
    OCCUPY_SIZE: info.needleBytes,
    MODIFY_TIME: stored,
    CREATE_TIME: stored,
    STATUS: info.isHidden ? HIDDEN : 0,
    ...(info.crc32c !== undefined && { CRC32C: info.crc32c }),
  };
  return jsonAnswer(about);
}
