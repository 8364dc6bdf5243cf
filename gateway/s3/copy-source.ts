/**
 * x-amz-copy-source: which object a copy reads, whether the caller may, and whether it is as the
 * conditions want it. Both copying verbs come here; neither has another way to a source.
 */
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { OpenObject } from "../../client/store.ts";
import type { CopySource } from "../../rpc/commands.ts";
import { mayList, mayRead } from "../acl/permissions.ts";
import { type Call, header } from "../call.ts";
import { decodeBytes, utf8Of } from "../percent.ts";
import { S3Error } from "./errors.ts";
import { judgeRead } from "./read-conditions.ts";

export type NamedSource = Omit<CopySource, "seen">;

const HEADER = "x-amz-copy-source";
const VERSION = "?versionId=";

function refused(): S3Error {
  return new S3Error(
    "InvalidArgument",
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    { ArgumentName: HEADER },
  );
}

function decoded(text: string): string {
  try {
    const plain = utf8Of(decodeBytes(text, false));
    if (plain !== undefined) return plain;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
  throw new S3Error("InvalidArgument", "The copy source is not URL-encoded UTF-8.", {
    ArgumentName: HEADER,
  });
}

/** `[/]bucket/key[?versionId=id]`, URL-encoded once. A question mark of the key is written %3F. */
export function parseCopySource(text: string): NamedSource {
  const mark = text.lastIndexOf(VERSION);
  const path = decoded(mark < 0 ? text : text.slice(0, mark)).replace(/^\//, "");
  const version = mark < 0 ? undefined : decoded(text.slice(mark + VERSION.length));
  const slash = path.indexOf("/");
  const key = path.slice(slash + 1);
  if (slash < 1 || key === "") throw refused();
  if (version === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string");
  const bucket = path.slice(0, slash);
  return { bucket, key, ...(version !== undefined && { version }) };
}

export function copySourceOf(call: Call): NamedSource {
  const text = header(call, HEADER);
  if (text === undefined) throw refused();
  return parseCopySource(text);
}

interface Opened {
  readonly opened: OpenObject;
  readonly bucketId: number;
  /** What an answer says of the source. */
  readonly headers: Record<string, string>;
}

/** The source as the caller may read it now. */
async function openSource(call: Call, named: NamedSource): Promise<Opened> {
  const { store, identity } = call;
  const bucket = await store.names.bucket(named.bucket);
  const expected = header(call, "x-amz-source-expected-bucket-owner");
  if (expected !== undefined && expected !== bucket.owner) throw new S3Error("AccessDenied");
  let opened: OpenObject;
  try {
    opened = await store.open(named);
  } catch (error) {
    const absent = hasCode(error, "NoSuchKey", "NoSuchVersion");
    if (absent && !mayList(identity, bucket)) throw new S3Error("AccessDenied");
    throw error;
  }
  const { object } = opened;
  if (object.deleteMarker && !mayList(identity, bucket)) throw new S3Error("AccessDenied");
  if (object.deleteMarker)
    throw named.version === undefined
      ? new S3Error("NoSuchKey", undefined, { Key: named.key })
      : new S3Error(
          "InvalidRequest",
          "The source of a copy request may not specifically refer to a delete marker by version id.",
        );
  if (!mayRead(identity, bucket, object)) throw new S3Error("AccessDenied");
  const versioned = bucket.versioning !== undefined || object.version !== "null";
  return {
    opened,
    bucketId: bucket.id,
    headers: versioned ? { "x-amz-copy-source-version-id": object.version } : {},
  };
}

/** The conditions on the source; one that does not hold is PreconditionFailed, whichever it is. */
function judgeSource({ headers }: Call, { object }: OpenObject): void {
  const conditions: Record<string, string> = {};
  for (const name of ["match", "none-match", "modified-since", "unmodified-since"]) {
    const value = headers[`${HEADER}-if-${name}`];
    if (typeof value === "string") conditions[`if-${name}`] = value;
  }
  if (judgeRead(conditions, object) === "unchanged") throw new S3Error("PreconditionFailed");
}

/**
 * Opens the source, judges it and copies. When the source is replaced in between, the new one is
 * opened and judged in its place: what is copied is always what was judged.
 */
export async function withSource<Copied>(
  call: Call,
  named: NamedSource,
  copy: (opened: OpenObject, source: CopySource) => Promise<Copied>,
): Promise<{ readonly copied: Copied; readonly headers: Record<string, string> }> {
  for (let attempt = 1; ; attempt++) {
    const { opened, bucketId, headers } = await openSource(call, named);
    judgeSource(call, opened);
    const { modifiedMs, attributes } = opened.object;
    const source = { ...named, bucketId, seen: { etag: attributes.etag, modifiedMs } };
    try {
      return { copied: await copy(opened, source), headers };
    } catch (error) {
      if (!hasCode(error, "Changed") || attempt >= limits.retries) throw error;
    }
  }
}
