/**
 * XML in: small documents of elements and text. Declarations (DTD, entities) are refused before the
 * parser sees them; only the five predefined and numeric references are understood.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { limits } from "../base/limits.ts";
import { S3Error } from "./s3/errors.ts";

export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

const TEXT = "#text";

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  textNodeName: TEXT,
});

const predefined: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
};

function decodeReference(reference: string): string {
  const known = predefined[reference];
  if (known !== undefined) return known;
  const match = /^&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(reference);
  const code = Number.parseInt(match?.[1] ?? match?.[2] ?? "", match?.[1] === undefined ? 10 : 16);
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  if (Number.isNaN(code) || code > 0x10ffff || surrogate) throw new S3Error("MalformedXML");
  return String.fromCodePoint(code);
}

function decodeReferences(text: string): string {
  return text.includes("&") ? text.replace(/&[^;&]*;?/g, decodeReference) : text;
}

/** The shape of fast-xml-parser's ordered output: one key, the element's name, but for attributes. */
type Ordered = Readonly<Record<string, unknown>>;

function nodeOf(name: string, content: unknown, depth: number): XmlNode {
  if (depth > limits.xmlDepth || !Array.isArray(content)) throw new S3Error("MalformedXML");
  const children: XmlNode[] = [];
  let text = "";
  for (const item of content as readonly Ordered[])
    for (const [key, value] of Object.entries(item)) {
      if (key === TEXT) text += decodeReferences(String(value));
      else if (key !== ":@") children.push(nodeOf(key, value, depth + 1));
    }
  return { name, text, children };
}

function hasMore(text: string, mark: string, most: number): boolean {
  let count = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1))
    if (++count > most) return true;
  return false;
}

const strict = new TextDecoder("utf-8", { fatal: true });

/** The root element; it must have the given name. */
export function parseXml(bytes: Uint8Array, root: string): XmlNode {
  let source: string;
  try {
    source = strict.decode(bytes);
  } catch {
    throw new S3Error("MalformedXML", "The XML is not UTF-8.");
  }
  // "<!" opens a comment, CDATA or a declaration; the only harmless ones are not sent by clients.
  if (source.includes("<!"))
    throw new S3Error("MalformedXML", "Declarations are not allowed in XML.");
  if (hasMore(source, "<", limits.xmlTags)) throw new S3Error("MalformedXML");
  if (XMLValidator.validate(source) !== true) throw new S3Error("MalformedXML");
  let parsed: unknown;
  try {
    parsed = parser.parse(source);
  } catch (error) {
    throw new S3Error("MalformedXML", undefined, {}, { cause: error });
  }
  const top = nodeOf("", parsed, 0).children;
  const [only] = top;
  if (top.length !== 1 || only === undefined || only.name !== root)
    throw new S3Error("MalformedXML");
  return only;
}

export function childrenOf(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** The text of the one child of this name; undefined if there is none. */
export function textOf(node: XmlNode, name: string): string | undefined {
  const found = childrenOf(node, name);
  if (found.length > 1) throw new S3Error("MalformedXML");
  return found[0]?.text;
}
