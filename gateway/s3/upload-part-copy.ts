/** PUT /bucket/key?partNumber=N&uploadId=ID with x-amz-copy-source: stored bytes become a part. */
import { createHash } from "node:crypto";
import { assert } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { Answer, LateXml } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { element, isoTime, xmlDocument } from "../xml-write.ts";
import { checksumOf } from "./copied-checksum.ts";
import { copySourceOf, type NamedSource, withSource } from "./copy-source.ts";
import { S3Error } from "./errors.ts";
import { partNumberOf } from "./part-number.ts";

interface Span {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** `bytes=first-last`, nothing else. Absent: the whole source. */
export function parseCopyRange(text: string | undefined): Span | undefined {
  if (text === undefined) return undefined;
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  const offset = Number(first);
  const lengthBytes = Number(last) - offset + 1;
  if (first === undefined || lengthBytes < 1)
    throw new S3Error(
      "InvalidArgument",
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      { ArgumentName: "x-amz-copy-source-range", ArgumentValue: text },
    );
  return { offset, lengthBytes };
}

function spanWithin(range: Span | undefined, { lengthBytes }: ObjectInfo): Span {
  const span = range ?? { offset: 0, lengthBytes };
  if (span.offset + span.lengthBytes > lengthBytes)
    throw new S3Error(
      "InvalidRange",
      `Range specified is not valid for source object of size: ${lengthBytes}`,
      { ActualObjectSize: String(lengthBytes) },
    );
  if (span.lengthBytes > limits.putBytes)
    throw new S3Error(
      "InvalidRequest",
      `The specified copy source is larger than the maximum allowable size for a copy source: ${limits.putBytes}`,
    );
  return span;
}

/** Its MD5 where that is known; otherwise a value that is the same for the same bytes of an object. */
function etagOf({ attributes, lengthBytes }: ObjectInfo, span: Span): string {
  const { etag } = attributes;
  if (span.lengthBytes === lengthBytes && /^[0-9a-f]{32}$/.test(etag)) return etag;
  return createHash("md5").update(`${etag} ${span.offset}+${span.lengthBytes}`).digest("hex");
}

export async function uploadPartCopy(call: Call): Promise<Answer> {
  const part = partNumberOf(call.target.query);
  const source = copySourceOf(call);
  const range = parseCopyRange(header(call, "x-amz-copy-source-range"));
  const xml = copyPart(call, part, source, range);
  return { status: 200, headers: {}, body: { kind: "late", xml } };
}

async function copyPart(
  call: Call,
  part: number,
  named: NamedSource,
  range: Span | undefined,
): Promise<LateXml> {
  const { names } = call.store;
  const { bucket, key, query } = call.target;
  const target = { bucket, key, upload: query.get("uploadId") ?? "" };
  const { upload } = await names.parts({ ...target, after: 0, limit: 0 });
  const algorithm = upload.checksumAlgorithm;
  const { copied, headers } = await withSource(call, named, async (opened, source) => {
    const span = spanWithin(range, opened.object);
    const etag = etagOf(opened.object, span);
    const checksum =
      algorithm === undefined ? undefined : await checksumOf(opened, span, algorithm);
    const result = await names.execute({
      type: "putPartCopy",
      ...target,
      part,
      source,
      ...(range !== undefined && { range: span }),
      etag,
      ...(checksum !== undefined && { checksum }),
    });
    assert(result.type === "part", "putPartCopy answers with the part");
    return { etag, checksum, modifiedMs: result.modifiedMs };
  });
  const { etag, checksum, modifiedMs } = copied;
  const text = xmlDocument(
    "CopyPartResult",
    element("LastModified", isoTime(modifiedMs)) +
      element("ETag", `"${etag}"`) +
      (checksum === undefined ? "" : element(`Checksum${checksum.algorithm}`, checksum.value)),
  );
  return { text, headers };
}
