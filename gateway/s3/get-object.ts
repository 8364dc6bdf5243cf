/** GET /bucket/key and HEAD /bucket/key: one way to an object, with or without its bytes. */
import { payloadPool } from "../../base/buffer-pool.ts";
import type { OpenObject } from "../../client/store.ts";
import type { ObjectChecksum } from "../../rpc/objects.ts";
import { type Answer, type AnswerBody, emptyAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { S3Error } from "./errors.ts";
import { existing } from "./existing-version.ts";
import { objectHeaders } from "./object-headers.ts";
import { partNumberOf } from "./part-number.ts";
import { type ByteRange, firstOffset, parseRange, resolveRange } from "./range.ts";
import { judgeRead, rangeCounts } from "./read-conditions.ts";

interface Span {
  readonly offset: number;
  readonly lengthBytes: number;
}

export async function getObject(call: Call): Promise<Answer> {
  const range = parseRange(call.headers.range);
  const opened = await openObject(call, firstOffset(range));
  const { span, ...answer } = headOf(call, opened, range);
  return span === undefined ? answer : { ...answer, body: await bytesOf(opened, span) };
}

export async function headObject(call: Call): Promise<Answer> {
  const range = parseRange(call.headers.range);
  const opened = await openObject(call, undefined);
  const { span, ...answer } = headOf(call, opened, range);
  if (span === undefined) return answer;
  return { ...answer, body: { kind: "head", lengthBytes: span.lengthBytes } };
}

/** A small object is read before its answer begins, and sent as it is. */
async function bytesOf(opened: OpenObject, { offset, lengthBytes }: Span): Promise<AnswerBody> {
  const bytes = await opened.readShort(offset, lengthBytes);
  if (bytes === undefined)
    return { kind: "bytes", lengthBytes, bytes: opened.read(offset, lengthBytes) };
  return { kind: "whole", bytes, taken: () => payloadPool.give(bytes) };
}

async function openObject(call: Call, offset: number | undefined): Promise<OpenObject> {
  return await existing(call, (named) =>
    call.store.open({
      ...named,
      ...(offset === undefined ? {} : { offset }),
      ...(call.target.query.has("partNumber") && { part: partOf(call) }),
    }),
  );
}

function partOf(call: Call): number {
  if (call.headers.range !== undefined)
    throw new S3Error(
      "InvalidRequest",
      "Cannot specify both Range header and partNumber query parameter",
    );
  return partNumberOf(call.target.query);
}

/** The checksum of one part, which is of the kind of the object's; that of the whole if it is all. */
function partChecksum({ object, span }: OpenObject): ObjectChecksum | undefined {
  const { checksum } = object.attributes;
  if (checksum === undefined || object.parts === undefined) return checksum;
  return span?.checksum === undefined ? undefined : { ...checksum, value: span.checksum };
}

/** The bytes that are answered, when they are not the whole object. */
function spanOf(call: Call, opened: OpenObject, asked: ByteRange | undefined): Span | undefined {
  const { object, span } = opened;
  if (span !== undefined) return span;
  if (asked === undefined || !rangeCounts(header(call, "if-range"), object)) return undefined;
  const resolved = resolveRange(asked, object.lengthBytes);
  if (resolved !== "unsatisfiable") return resolved;
  throw new S3Error("InvalidRange", undefined, {
    RangeRequested: header(call, "range") ?? "",
    ActualObjectSize: String(object.lengthBytes),
  });
}

/** The answer without its body; without a span it has none. */
function headOf(
  call: Call,
  opened: OpenObject,
  range: ByteRange | undefined,
): Answer & { readonly span?: Span } {
  const { object, span: part } = opened;
  if (judgeRead(call.headers, object) === "unchanged") {
    const headers = objectHeaders(call, object, undefined);
    delete headers["Content-Type"];
    return emptyAnswer(304, headers);
  }
  const span = spanOf(call, opened, range);
  const { checksum } = object.attributes;
  const summed =
    part !== undefined ? partChecksum(opened) : span === undefined ? checksum : undefined;
  const headers = objectHeaders(call, object, summed);
  if (part !== undefined && object.parts !== undefined)
    headers["x-amz-mp-parts-count"] = String(object.parts);
  // No Content-Range can tell of no bytes.
  if (span === undefined || span.lengthBytes === 0) {
    const lengthBytes = span?.lengthBytes ?? object.lengthBytes;
    return { ...emptyAnswer(200, headers), span: { offset: 0, lengthBytes } };
  }
  const last = span.offset + span.lengthBytes - 1;
  headers["Content-Range"] = `bytes ${span.offset}-${last}/${object.lengthBytes}`;
  return { ...emptyAnswer(206, headers), span };
}
