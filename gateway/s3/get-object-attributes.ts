/** GET /bucket/key?attributes: what is known of an object, and its parts, without its bytes. */
import { limits } from "../../base/limits.ts";
import type { ObjectInfo, PartSpan } from "../../rpc/name-service.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";
import { checksumXml } from "./checksum-xml.ts";
import { S3Error } from "./errors.ts";
import { existing, readVersionHeader } from "./existing-version.ts";

const names = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;
type Name = (typeof names)[number];

interface PartPage {
  readonly after: number;
  readonly limit: number;
}

/** The attributes that are asked for, in one header or several. */
function wantedOf(call: Call): ReadonlySet<Name> {
  const text = header(call, "x-amz-object-attributes") ?? "";
  const wanted = new Set<Name>();
  for (const item of text.split(",")) {
    const name = names.find((one) => one === item.trim());
    if (name === undefined)
      throw new S3Error("InvalidArgument", "Invalid attribute name specified.", {
        ArgumentName: "x-amz-object-attributes",
        ArgumentValue: text,
      });
    wanted.add(name);
  }
  return wanted;
}

function count(call: Call, name: string, fallback: number): number {
  const text = header(call, name);
  if (text === undefined) return fallback;
  if (!/^\d{1,9}$/.test(text))
    throw new S3Error(
      "InvalidArgument",
      `Provided ${name} not an integer or within integer range`,
      {
        ArgumentName: name,
        ArgumentValue: text,
      },
    );
  return Number(text);
}

function partXml({ part, lengthBytes, checksum }: PartSpan, object: ObjectInfo): string {
  const { algorithm } = object.attributes.checksum ?? {};
  const sum = algorithm === undefined ? "" : element(`Checksum${algorithm}`, checksum);
  return wrap("Part", element("PartNumber", part) + element("Size", lengthBytes) + sum);
}

function partsXml(
  object: ObjectInfo,
  page: PartPage,
  found: { readonly parts: readonly PartSpan[]; readonly truncated: boolean },
): string {
  if (object.parts === undefined) return "";
  const next = found.parts.at(-1)?.part ?? page.after;
  return wrap(
    "ObjectParts",
    element("PartsCount", object.parts) +
      element("PartNumberMarker", page.after) +
      element("NextPartNumberMarker", next) +
      element("MaxParts", page.limit) +
      element("IsTruncated", found.truncated) +
      found.parts.map((part) => partXml(part, object)).join(""),
  );
}

export async function getObjectAttributes(call: Call): Promise<Answer> {
  const wanted = wantedOf(call);
  const page = {
    after: count(call, "x-amz-part-number-marker", 0),
    limit: Math.min(count(call, "x-amz-max-parts", limits.listKeys), limits.listKeys),
  };
  const limit = wanted.has("ObjectParts") ? page.limit : 0;
  const found = await existing(call, (named) =>
    call.store.names.objectParts({ ...named, after: page.after, limit }),
  );
  const { object } = found;
  const { etag, checksum, storageClass = "STANDARD" } = object.attributes;
  const has = (name: Name, xml: () => string) => (wanted.has(name) ? xml() : "");
  const text = xmlDocument(
    "GetObjectAttributesResponse",
    has("ETag", () => element("ETag", etag)) +
      has("Checksum", () =>
        checksum === undefined ? "" : wrap("Checksum", checksumXml(checksum)),
      ) +
      has("ObjectParts", () => partsXml(object, page, found)) +
      has("StorageClass", () => element("StorageClass", storageClass)) +
      has("ObjectSize", () => element("ObjectSize", object.lengthBytes)),
  );
  return xmlAnswer(text, {
    "Last-Modified": new Date(object.modifiedMs).toUTCString(),
    ...readVersionHeader(call, object.version),
  });
}
