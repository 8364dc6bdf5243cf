/** GET /bucket/key and HEAD /bucket/key: one way to an object, with or without its bytes. */
import type { OpenObject } from "../../client/store.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import { type Answer, type AnswerBody, emptyAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { S3Error } from "./errors.ts";
import { objectHeaders } from "./object-headers.ts";
import { type ByteRange, firstOffset, parseRange, resolveRange } from "./range.ts";
import { judgeRead, rangeCounts } from "./read-conditions.ts";

export async function getObject(call: Call): Promise<Answer> {
  const range = parseRange(call.headers.range);
  const opened = await openObject(call, firstOffset(range));
  return answerOf(call, opened.object, range, (offset, lengthBytes) => ({
    kind: "bytes",
    lengthBytes,
    bytes: opened.read(offset, lengthBytes),
  }));
}

export async function headObject(call: Call): Promise<Answer> {
  const range = parseRange(call.headers.range);
  const { object } = await openObject(call, undefined);
  return answerOf(call, object, range, (_, lengthBytes) => ({ kind: "head", lengthBytes }));
}

async function openObject(call: Call, offset: number | undefined): Promise<OpenObject> {
  const { bucket, key, query } = call.target;
  const version = query.get("versionId");
  if (version === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string");
  const opened = await call.store.open({
    bucket,
    key,
    ...(version === undefined ? {} : { version }),
    ...(offset === undefined ? {} : { offset }),
  });
  if (opened.object.deleteMarker)
    throw new S3Error(version === undefined ? "NoSuchKey" : "MethodNotAllowed", undefined, {
      Key: key,
    });
  call.permit(opened.object);
  return opened;
}

function answerOf(
  call: Call,
  object: ObjectInfo,
  asked: ByteRange | undefined,
  body: (offset: number, lengthBytes: number) => AnswerBody,
): Answer {
  const range =
    asked !== undefined && rangeCounts(header(call, "if-range"), object) ? asked : undefined;
  const verdict = judgeRead(call.headers, object);
  const whole = range === undefined && verdict === "send";
  const headers = objectHeaders(call, object, whole);
  if (verdict === "unchanged") {
    delete headers["Content-Type"];
    return emptyAnswer(304, headers);
  }
  if (range === undefined) return { status: 200, headers, body: body(0, object.lengthBytes) };
  const span = resolveRange(range, object.lengthBytes);
  if (span === "unsatisfiable")
    throw new S3Error("InvalidRange", undefined, {
      RangeRequested: header(call, "range") ?? "",
      ActualObjectSize: String(object.lengthBytes),
    });
  const last = span.offset + span.lengthBytes - 1;
  headers["Content-Range"] = `bytes ${span.offset}-${last}/${object.lengthBytes}`;
  return { status: 206, headers, body: body(span.offset, span.lengthBytes) };
}
