/** PUT /bucket/key with x-amz-copy-source: a new name for stored bytes. */
import { assert } from "../../base/errors.ts";
import type { Change, CopySource, WriteConditions } from "../../rpc/commands.ts";
import type { ChecksumAlgorithm, ObjectAttributes, ObjectChecksum } from "../../rpc/objects.ts";
import { ownershipOf } from "../acl/new-object.ts";
import type { Answer, LateXml } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { checksumAlgorithmOf } from "../checksum-headers.ts";
import { element, isoTime, xmlDocument } from "../xml-write.ts";
import { checksumXml } from "./checksum-xml.ts";
import { checksumOf } from "./copied-checksum.ts";
import { copySourceOf, type NamedSource, withSource } from "./copy-source.ts";
import { S3Error } from "./errors.ts";
import { attributesOf } from "./object-attributes.ts";
import { conditionsOf } from "./write-conditions.ts";

const REDIRECT = "x-amz-website-redirect-location";

interface Wish {
  readonly source: NamedSource;
  readonly attributes: Omit<ObjectAttributes, "etag">;
  readonly replaceMetadata: boolean;
  readonly replaceTags: boolean;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly conditions: WriteConditions | undefined;
}

function replaces(call: Call, what: "metadata" | "tagging"): boolean {
  const name = `x-amz-${what}-directive`;
  const directive = header(call, name) ?? "COPY";
  if (directive !== "COPY" && directive !== "REPLACE")
    throw new S3Error("InvalidArgument", `Unknown ${what} directive.`, {
      ArgumentName: name,
      ArgumentValue: directive,
    });
  return directive === "REPLACE";
}

async function wishOf(call: Call): Promise<Wish> {
  const source = copySourceOf(call);
  const replaceMetadata = replaces(call, "metadata");
  const replaceTags = replaces(call, "tagging");
  const changes =
    replaceMetadata ||
    replaceTags ||
    header(call, "x-amz-storage-class") !== undefined ||
    header(call, REDIRECT) !== undefined;
  const { bucket, key } = call.target;
  const itself = source.bucket === bucket && source.key === key && source.version === undefined;
  if (itself && !changes)
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  return {
    source,
    attributes: attributesOf(call, await ownershipOf(call, call.headers)),
    replaceMetadata,
    replaceTags,
    algorithm: checksumAlgorithmOf(call.headers),
    conditions: conditionsOf(call),
  };
}

/** The kept headers of the source; where it redirects to is of its own name only. */
function headersOf(
  source: ObjectAttributes,
  given: Wish["attributes"],
): ObjectAttributes["headers"] {
  const { [REDIRECT]: _, ...copied } = source.headers ?? {};
  const redirect = given.headers?.[REDIRECT];
  const headers = redirect === undefined ? copied : { ...copied, [REDIRECT]: redirect };
  return Object.keys(headers).length === 0 ? undefined : headers;
}

/**
 * What the copy does not take over from its source. Holds and rights are of the source alone, and that
 * it is a stream, too, unless it is copied onto itself to be described anew.
 */
function changeOf(
  wish: Wish,
  isItself: boolean,
  source: ObjectAttributes,
  checksum: ObjectChecksum | undefined,
): Change<Omit<ObjectAttributes, "etag">> {
  const given = wish.attributes;
  const { contentType, userMetadata } = wish.replaceMetadata ? given : source;
  const headers = wish.replaceMetadata ? given.headers : headersOf(source, given);
  const { tags } = wish.replaceTags ? given : source;
  return {
    owner: given.owner ?? null,
    acl: given.acl ?? null,
    contentType: contentType ?? null,
    headers: headers ?? null,
    userMetadata: userMetadata ?? null,
    tags: tags ?? null,
    storageClass: given.storageClass ?? null,
    retention: given.retention ?? null,
    legalHold: given.legalHold ?? null,
    encryption: given.encryption ?? null,
    ...(source.stream !== undefined && !isItself && { stream: null }),
    ...(checksum !== undefined && { checksum }),
  };
}

export async function copyObject(call: Call): Promise<Answer> {
  const wish = await wishOf(call);
  return { status: 200, headers: {}, body: { kind: "late", xml: copy(call, wish) } };
}

async function copy(call: Call, wish: Wish): Promise<LateXml> {
  const { bucket, key } = call.target;
  const isItself = wish.source.bucket === bucket && wish.source.key === key;
  const { copied, headers } = await withSource(
    call,
    wish.source,
    async (opened, source: CopySource) => {
      const { attributes, lengthBytes } = opened.object;
      const summed =
        wish.algorithm === undefined
          ? undefined
          : await checksumOf(opened, { offset: 0, lengthBytes }, wish.algorithm);
      const checksum = summed === attributes.checksum ? undefined : summed;
      return await call.store.names.execute({
        type: "copyObject",
        bucket,
        key,
        source,
        change: changeOf(wish, isItself, attributes, checksum),
        ...(wish.conditions !== undefined && { conditions: wish.conditions }),
      });
    },
  );
  assert(copied.type === "copied", "copyObject answers with the copy");
  const text = xmlDocument(
    "CopyObjectResult",
    element("LastModified", isoTime(copied.modifiedMs)) +
      element("ETag", `"${copied.etag}"`) +
      checksumXml(copied.checksum),
  );
  if (copied.version !== "null") headers["x-amz-version-id"] = copied.version;
  return { text, headers };
}
