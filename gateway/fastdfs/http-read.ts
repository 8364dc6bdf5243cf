/** GET and HEAD of a file, of what is known of it, and of its metadata. */
import { contentTypeOf } from "../../base/content-type.ts";
import { parseKey } from "../../client/fastdfs/file-id.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../answer.ts";
import { typeHeader } from "../percent.ts";
import { S3Error } from "../s3/errors.ts";
import { parseRange, resolveRange } from "../s3/range.ts";
import { judgeRead, rangeCounts } from "../s3/read-conditions.ts";
import { bytesParameter, type HttpCall } from "./http-call.ts";

/** By the Range header, or by the parameters offset and bytes, which answer 200. */
export async function readFile(call: HttpCall): Promise<Answer> {
  const { files, group, key, request } = call;
  const { headers, method } = request;
  const from = bytesParameter(call, "offset") ?? 0;
  const opened = await files.open(group, key, method === "HEAD" ? undefined : from);
  const { object } = opened;
  const common = {
    ETag: `"${object.attributes.etag}"`,
    "Last-Modified": new Date(object.modifiedMs).toUTCString(),
    "Accept-Ranges": "bytes",
  };
  if (judgeRead(headers, object) === "unchanged") return emptyAnswer(304, common);
  const span = spanOf(call, object.lengthBytes, rangeCounts(header(headers["if-range"]), object));
  const { offset, lengthBytes, isPart } = span;
  const last = offset + lengthBytes - 1;
  const answered = {
    ...common,
    "Content-Type": typeHeader(object.attributes.contentType, contentTypeOf(key)),
    ...(isPart && { "Content-Range": `bytes ${offset}-${last}/${object.lengthBytes}` }),
  };
  const status = isPart ? 206 : 200;
  if (method === "HEAD") return { status, headers: answered, body: { kind: "head", lengthBytes } };
  const bytes = opened.read(offset, lengthBytes);
  return { status, headers: answered, body: { kind: "bytes", lengthBytes, bytes } };
}

const header = (value: string | string[] | undefined) =>
  typeof value === "string" ? value : undefined;

function spanOf(call: HttpCall, fileBytes: number, counts: boolean) {
  const offset = bytesParameter(call, "offset");
  const bytes = bytesParameter(call, "bytes");
  if (offset !== undefined || bytes !== undefined) {
    const first = Math.min(offset ?? 0, fileBytes);
    const lengthBytes = Math.min(bytes ?? fileBytes, fileBytes - first);
    return { offset: first, lengthBytes, isPart: false };
  }
  const range = counts ? parseRange(call.request.headers.range) : undefined;
  const resolved = range && resolveRange(range, fileBytes);
  if (resolved === "unsatisfiable")
    throw new S3Error("InvalidRange", undefined, { ActualObjectSize: String(fileBytes) });
  if (resolved === undefined) return { offset: 0, lengthBytes: fileBytes, isPart: false };
  return { ...resolved, isPart: true };
}

export async function tellOfFile({ files, group, key, query }: HttpCall): Promise<Answer> {
  const info = await files.info(group, key, query.get("crc32") !== "0");
  const named = parseKey(key);
  const sort = named?.slave === true ? "slave" : named?.size.kind;
  return jsonAnswer({
    id: `${group}/${key}`,
    type: sort,
    lengthBytes: info.lengthBytes,
    createdS: named?.createdS,
    modifiedS: info.modifiedS,
    source: info.source,
    ...(info.crc32 !== undefined && { crc32: info.crc32 }),
  });
}

export async function readMetadata({ files, group, key }: HttpCall): Promise<Answer> {
  return jsonAnswer(await files.metadata(group, key));
}
