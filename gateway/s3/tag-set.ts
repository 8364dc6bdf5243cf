/** Tags of objects and buckets: what a tag may be, and the XML that carries them. */
import type { XmlNode } from "../xml-read.ts";
import { childrenOf, parseXml, textOf } from "../xml-read.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";
import { S3Error } from "./errors.ts";

export type Tags = Readonly<Record<string, string>>;

/** In UTF-16 units, as AWS counts. */
const KEY_UNITS = 128;
const VALUE_UNITS = 256;

const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** @throws S3Error `InvalidTag` for a tag that cannot be, or one that stands twice. */
export function tagsOf(pairs: Iterable<readonly [string, string]>): Tags {
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    // Rows and messages have no field of the name __proto__: it would come back as another one.
    if (key === "" || key === "__proto__" || key.length > KEY_UNITS || !allowed.test(key))
      throw new S3Error("InvalidTag", "The TagKey you have provided is invalid", { TagKey: key });
    if (value.length > VALUE_UNITS || !allowed.test(value))
      throw new S3Error("InvalidTag", "The TagValue you have provided is invalid", { TagKey: key });
    if (/^aws:/i.test(key))
      throw new S3Error("InvalidTag", "Tags that begin with aws: are the system's own", {
        TagKey: key,
      });
    if (tags.has(key))
      throw new S3Error("InvalidTag", "Cannot provide multiple Tags with the same key", {
        TagKey: key,
      });
    tags.set(key, value);
  }
  return Object.fromEntries(tags);
}

/** `<Tagging><TagSet><Tag><Key/><Value/></Tag>…`; an empty set is one. */
export function parseTagging(xml: Uint8Array): Tags {
  const root = parseXml(xml, "Tagging");
  const [set, second] = childrenOf(root, "TagSet");
  if (set === undefined || second !== undefined) throw new S3Error("MalformedXML");
  return tagsOf(set.children.map(pairOf));
}

function pairOf(tag: XmlNode): readonly [string, string] {
  const key = textOf(tag, "Key");
  const value = textOf(tag, "Value");
  if (tag.name !== "Tag" || key === undefined || value === undefined)
    throw new S3Error("MalformedXML");
  return [key, value];
}

/** In the order of the keys, so that the same tags always read the same. */
export function taggingXml(tags: Tags): string {
  const rows = Object.keys(tags)
    .sort()
    .map((key) => wrap("Tag", element("Key", key) + element("Value", tags[key] ?? "")));
  return xmlDocument("Tagging", wrap("TagSet", rows.join("")));
}
