/** What a program says of an object and is told of it, and the attributes that hold it. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { WriteConditions } from "../../rpc/commands.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";

export interface PutOptions {
  /** As in a Content-Type header. */
  readonly contentType?: string;
  /** Names are lower case; S3 clients see them as `x-amz-meta-…`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  /** When it is to be stored at all; refused with `ConditionFailed`. */
  readonly conditions?: WriteConditions;
}

export interface ObjectStat {
  readonly key: string;
  readonly lengthBytes: number;
  readonly modifiedMs: number;
  /** Of one PUT the MD5 of its bytes, in hex. */
  readonly etag: string;
  readonly contentType?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** `null` in a bucket without versions. */
  readonly version: string;
}

export function statOf(object: ObjectInfo): ObjectStat {
  const { key, lengthBytes, modifiedMs, version, attributes } = object;
  const { etag, contentType, userMetadata: metadata = {} } = attributes;
  const type = contentType === undefined ? {} : { contentType };
  return { key, lengthBytes, modifiedMs, etag, ...type, metadata, version };
}

/** @throws QuarryError for what the S3 face could not say in a header. */
export function attributesOf(options: PutOptions): Omit<ObjectAttributes, "etag"> {
  const { contentType, metadata = {}, storageClass } = options;
  checkHeader("content type", contentType ?? "");
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || name === "__proto__")
      throw new QuarryError("InvalidArgument", `metadata cannot be called ${name}`);
    checkHeader(name, value);
    bytes += name.length + Buffer.byteLength(value);
  }
  if (bytes > limits.userMetadataBytes)
    throw new QuarryError(
      "TooLarge",
      `metadata have at most ${limits.userMetadataBytes} bytes together`,
    );
  return {
    ...(contentType !== undefined && { contentType }),
    ...(bytes > 0 && { userMetadata: { ...metadata } }),
    ...(storageClass !== undefined && { storageClass }),
  };
}

function checkHeader(name: string, value: string): void {
  if (/\p{Cc}/u.test(value) || !value.isWellFormed())
    throw new QuarryError("InvalidArgument", `the ${name} is one line of text`);
}
