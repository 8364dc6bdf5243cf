/** The XML reader: what is written is read, and no document breaks it or brings more in than it says. */
import { parseAcl } from "../../gateway/acl/acl-xml.ts";
import { parseCors } from "../../gateway/cors/configuration.ts";
import { parsePartList } from "../../gateway/s3/part-list.ts";
import { parseTagging } from "../../gateway/s3/tag-set.ts";
import { childrenOf, parseXml, textOf, type XmlNode } from "../../gateway/xml-read.ts";
import { element, escapeXml, wrap } from "../../gateway/xml-write.ts";
import type { Chance } from "./chance.ts";
import { check, outcomeOf, type Target } from "./rounds.ts";

const NAMES = ["Delete", "Object", "Key", "Part", "ETag", "a", "x-y", "_", "Tag"];
const SCRAPS = [
  "<!DOCTYPE x>",
  "<![CDATA[x]]>",
  "<!--",
  "-->",
  "&lt;",
  "&#0;",
  "&#x41;",
  "&x;",
  "<?xml version='1.0'?>",
  "<?p?>",
  "</",
  "/>",
  "]]>",
  "<a b='c'>",
  ' xmlns:s="u"',
  "s:",
  "\ufeff",
  "<__proto__/>",
  "<constructor/>",
];

/** What verbs read out of their bodies. */
const bodies: readonly [Body, ...Body[]] = [
  {
    name: "parts",
    document:
      "<CompleteMultipartUpload><Part><PartNumber>$</PartNumber><ETag>$</ETag><ChecksumCRC32>$</ChecksumCRC32></Part></CompleteMultipartUpload>",
    parse: parsePartList,
  },
  {
    name: "tags",
    document: "<Tagging><TagSet><Tag><Key>$</Key><Value>$</Value></Tag></TagSet></Tagging>",
    parse: parseTagging,
  },
  {
    name: "cors",
    document:
      "<CORSConfiguration><CORSRule><ID>$</ID><AllowedOrigin>$</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>$</AllowedHeader><ExposeHeader>$</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    parse: parseCors,
  },
  {
    name: "acl",
    document:
      '<AccessControlPolicy><Owner><ID>$</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>$</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>',
    parse: parseAcl,
  },
];

interface Body {
  readonly name: string;
  readonly document: string;
  parse(bytes: Uint8Array): unknown;
}

interface Tree {
  readonly name: string;
  readonly text?: string;
  readonly children: readonly Tree[];
}

/** Characters that XML can carry, as they are or by reference. */
const textFor = (chance: Chance) => chance.text(10).replace(/\r/g, "");

function tree(chance: Chance, depth: number): Tree {
  const name = chance.one(NAMES) ?? "a";
  if (depth === 0 || chance.once(3)) return { name, text: textFor(chance), children: [] };
  return { name, children: Array.from({ length: chance.upTo(4) }, () => tree(chance, depth - 1)) };
}

function written({ name, text, children }: Tree): string {
  return text === undefined ? wrap(name, children.map(written).join("")) : element(name, text);
}

function same(node: XmlNode, { name, text, children }: Tree): boolean {
  return (
    node.name === name &&
    (text === undefined || node.text === text) &&
    node.children.length === children.length &&
    node.children.every((child, i) => {
      const expected = children[i];
      return expected !== undefined && same(child, expected);
    })
  );
}

/** As verbs read it. */
function read(bytes: Uint8Array, root: string): string {
  const node = parseXml(bytes, root);
  for (const name of NAMES) for (const child of childrenOf(node, name)) textOf(child, "Key");
  return "read";
}

export const xmlDocuments: Target = {
  name: "xml",
  run({ chance, trying }) {
    const root = { ...tree(chance, 4), name: "Delete" };
    const document = written(root);
    trying(document);
    check(same(parseXml(Buffer.from(document), "Delete"), root), "read otherwise than written");
    let text = document;
    for (let left = 1 + chance.upTo(3); left > 0; left--) {
      const at = chance.below(text.length + 1);
      text = chance.once(2)
        ? text.slice(0, at) + (chance.one(SCRAPS) ?? "") + text.slice(at)
        : text;
    }
    const changed = chance.once(2) ? chance.change(Buffer.from(text)) : Buffer.from(text);
    trying(changed);
    const outcome = outcomeOf(() => read(changed, "Delete"));
    if (changed.includes("<!")) check(outcome === "MalformedXML", "a declaration was read");
    const { name, document: template, parse } = chance.one(bodies) ?? bodies[0];
    const filled = template.replace(/\$/g, () => escapeXml(chance.text(8)));
    const body = chance.once(2) ? Buffer.from(filled) : chance.change(Buffer.from(filled));
    trying(body);
    outcomeOf(() => `${name} ${typeof parse(body)}`);
    return outcome;
  },
};
