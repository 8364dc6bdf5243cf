/** GET /bucket/key and HEAD /bucket/key: one way to an object, with or without its bytes. */
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
  return answerOf(call, opened, range, (offset, lengthBytes) => ({
    kind: "bytes",
    lengthBytes,
    bytes: opened.read(offset, lengthBytes),
  }));
}

export async function headObject(call: Call): Promise<Answer> {
  const range = parseRange(call.headers.range);
  const opened = await openObject(call, undefined);
  return answerOf(call, opened, range, (_, lengthBytes) => ({ kind: "head", lengthBytes }));
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

function answerOf(
  call: Call,
  opened: OpenObject,
  range: ByteRange | undefined,
  body: (offset: number, lengthBytes: number) => AnswerBody,
): Answer {
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
  if (span === undefined || span.lengthBytes === 0)
    return { status: 200, headers, body: body(0, span?.lengthBytes ?? object.lengthBytes) };
  const last = span.offset + span.lengthBytes - 1;
  headers["Content-Range"] = `bytes ${span.offset}-${last}/${object.lengthBytes}`;
  return { status: 206, headers, body: body(span.offset, span.lengthBytes) };
}
