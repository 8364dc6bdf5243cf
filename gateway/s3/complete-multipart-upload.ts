/**
 * POST /bucket/key?uploadId=ID: stages the named parts run by run, then completes with one command.
 * The ETag is the MD5 of the parts' MD5s, `-N` behind it.
 */
import { createHash } from "node:crypto";
import { assert, hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { ObjectChecksum } from "../../rpc/objects.ts";
import type { Answer, LateXml } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { combineChecksums } from "../checksum-combine.ts";
import { checksumHeaderOf } from "../checksum-headers.ts";
import { readSmallBody, xmlWishes } from "../payload.ts";
import { encodeKey } from "../percent.ts";
import { element, xmlDocument } from "../xml-write.ts";
import { checksumXml } from "./checksum-xml.ts";
import { S3Error } from "./errors.ts";
import { versionHeader } from "./existing-version.ts";
import { type NamedPart, parsePartList } from "./part-list.ts";
import { conditionsOf } from "./write-conditions.ts";

type StagedPart = Extract<CommandResult, { type: "staged" }>["parts"][number];

const RUN = limits.commandKeys / 4;

/** The head's x-amz-checksum-* speaks of the object here, not of this request's body. */
function withoutChecksum(call: Call): Call["headers"] {
  const headers = { ...call.headers };
  for (const name in headers) if (name.startsWith("x-amz-checksum-")) delete headers[name];
  return headers;
}

export async function completeMultipartUpload(call: Call): Promise<Answer> {
  const conditions = conditionsOf(call);
  const payload = call.payload({ ...xmlWishes, headers: withoutChecksum(call) });
  const named = parsePartList(await readSmallBody(payload));
  const xml = completeOnce(call, named, conditions);
  return { status: 200, headers: {}, body: { kind: "late", xml } };
}

/** A completion that is sent again, its answer being lost, is answered again. */
async function completeOnce(
  call: Call,
  named: readonly NamedPart[],
  conditions: ReturnType<typeof conditionsOf>,
): Promise<LateXml> {
  try {
    return await complete(call, named, conditions);
  } catch (error) {
    const done = hasCode(error, "NoSuchUpload") ? await completed(call, named) : undefined;
    if (done === undefined) throw error;
    return resultXml(call, done.attributes, done.version);
  }
}

/** The current version, when it is what completing the upload with these parts made. */
async function completed(call: Call, named: readonly NamedPart[]): Promise<ObjectInfo | undefined> {
  const { bucket, key, query } = call.target;
  try {
    const { object } = await call.store.names.lookup({ bucket, key });
    const same = object.upload === query.get("uploadId");
    return same && object.attributes.etag === etagOf(named) ? object : undefined;
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return undefined;
    throw error;
  }
}

function etagOf(parts: readonly { readonly etag: string }[]): string {
  const md5 = createHash("md5");
  for (const part of parts) md5.update(part.etag, "hex");
  return `${md5.digest("hex")}-${parts.length}`;
}

async function complete(
  call: Call,
  named: readonly NamedPart[],
  conditions: ReturnType<typeof conditionsOf>,
): Promise<LateXml> {
  const { bucket, key, query } = call.target;
  const upload = query.get("uploadId") ?? "";
  const { names } = call.store;
  const { upload: info } = await names.parts({ bucket, key, upload, after: 0, limit: 1 });
  const parts = await stage(call, upload, named);
  checkSize(call, parts);
  const algorithm = info.checksumAlgorithm;
  checkPartChecksums(named, parts, algorithm);
  const checksum =
    algorithm === undefined
      ? undefined
      : combineChecksums(algorithm, info.checksumType ?? "COMPOSITE", parts);
  checkPromised(call, checksum);
  const etag = etagOf(parts);
  const result = await names.execute({
    type: "completeUpload",
    bucket,
    key,
    upload,
    staged: parts.length,
    etag,
    ...(checksum === undefined ? {} : { checksum }),
    ...(conditions === undefined ? {} : { conditions }),
  });
  assert(result.type === "version", "completeUpload answers with a version");
  return resultXml(call, { etag, ...(checksum !== undefined && { checksum }) }, result.version);
}

function resultXml(
  call: Call,
  { etag, checksum }: { readonly etag: string; readonly checksum?: ObjectChecksum },
  version: string,
): LateXml {
  const { bucket, key } = call.target;
  const location = `http://${header(call, "host") ?? ""}/${bucket}/${encodeKey(key)}`;
  const text = xmlDocument(
    "CompleteMultipartUploadResult",
    element("Location", location) +
      element("Bucket", bucket) +
      element("Key", key) +
      element("ETag", `"${etag}"`) +
      checksumXml(checksum),
  );
  return { text, headers: versionHeader(version) };
}

async function stage(
  call: Call,
  upload: string,
  named: readonly NamedPart[],
): Promise<StagedPart[]> {
  for (let attempt = 1; ; attempt++)
    try {
      return await stageAll(call, upload, named);
    } catch (error) {
      // Staged, but what the parts are was told to nobody: staging from the first starts anew.
      if (!hasCode(error, "AnswerLost") || attempt >= limits.retries) throw error;
    }
}

async function stageAll(
  call: Call,
  upload: string,
  named: readonly NamedPart[],
): Promise<StagedPart[]> {
  const { bucket, key } = call.target;
  const staged: StagedPart[] = [];
  while (staged.length < named.length) {
    const run = named.slice(staged.length, staged.length + RUN);
    const parts = run.map(({ part, etag }) => ({ part, etag }));
    const result = await call.store.names.execute({
      type: "stageParts",
      bucket,
      key,
      upload,
      staged: staged.length,
      parts,
    });
    assert(result.type === "staged", "stageParts answers with staged parts");
    assert(result.parts.length > 0, "stageParts stages at least one part");
    staged.push(...result.parts);
  }
  return staged;
}

function checkSize(call: Call, parts: readonly StagedPart[]): void {
  const lengthBytes = parts.reduce((sum, part) => sum + part.lengthBytes, 0);
  if (lengthBytes > limits.objectBytes) throw new S3Error("EntityTooLarge");
  const promised = header(call, "x-amz-mp-object-size");
  if (promised !== undefined && promised !== String(lengthBytes))
    throw new S3Error(
      "InvalidRequest",
      `The provided 'x-amz-mp-object-size' header value ${promised} does not match what was computed: ${lengthBytes}`,
    );
}

/** Checksums in the list must be those under which the parts were stored. */
function checkPartChecksums(
  named: readonly NamedPart[],
  parts: readonly StagedPart[],
  algorithm: string | undefined,
): void {
  named.forEach(({ part, checksum }, i) => {
    if (checksum === undefined) return;
    const stored = parts[i]?.checksum;
    const asAnnounced = algorithm === undefined || checksum.algorithm === algorithm;
    if (!asAnnounced || stored !== checksum.value)
      throw new S3Error("InvalidPart", undefined, { PartNumber: String(part) });
  });
}

function checkPromised(call: Call, checksum: ObjectChecksum | undefined): void {
  const promised = checksumHeaderOf(call.headers);
  const type = header(call, "x-amz-checksum-type")?.toUpperCase();
  if (type !== undefined && type !== checksum?.type)
    throw new S3Error("InvalidRequest", "The checksum type is not that of the upload.");
  if (promised === undefined) return;
  const same =
    checksum?.algorithm === promised.algorithm &&
    checksum.value.replace(/-\d+$/, "") === promised.value?.replace(/-\d+$/, "");
  if (!same)
    throw new S3Error(
      "BadDigest",
      `The ${promised.algorithm} you specified did not match what we computed.`,
    );
}
