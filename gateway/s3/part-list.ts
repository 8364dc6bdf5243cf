/** The body of CompleteMultipartUpload: the parts that make the object, in order. */
import { limits } from "../../base/limits.ts";
import type { ChecksumAlgorithm } from "../../rpc/objects.ts";
import { checksumAlgorithms } from "../checksums.ts";
import { childrenOf, parseXml, textOf, type XmlNode } from "../xml-read.ts";
import { S3Error } from "./errors.ts";
import { bareEtag } from "./write-conditions.ts";

export interface NamedPart {
  readonly part: number;
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

function checksumOf(node: XmlNode): NamedPart["checksum"] {
  for (const algorithm of checksumAlgorithms) {
    const value = textOf(node, `Checksum${algorithm}`)?.trim();
    if (value !== undefined && value !== "") return { algorithm, value };
  }
  return undefined;
}

export function parsePartList(bytes: Uint8Array): NamedPart[] {
  const nodes = childrenOf(parseXml(bytes, "CompleteMultipartUpload"), "Part");
  if (nodes.length === 0 || nodes.length > limits.partNumber) throw new S3Error("MalformedXML");
  const parts: NamedPart[] = [];
  for (const node of nodes) {
    const number = textOf(node, "PartNumber")?.trim() ?? "";
    const etag = textOf(node, "ETag");
    if (!/^\d{1,6}$/.test(number) || etag === undefined) throw new S3Error("MalformedXML");
    const part = Number(number);
    if (part < 1 || part > limits.partNumber)
      throw new S3Error("InvalidArgument", `PartNumber must be >= 1 and <= ${limits.partNumber}`);
    const before = parts.at(-1)?.part ?? 0;
    if (part < before) throw new S3Error("InvalidPartOrder");
    // A part that is named again was sent again: the last one counts.
    if (part === before) parts.pop();
    parts.push({ part, etag: bareEtag(etag), checksum: checksumOf(node) });
  }
  return parts;
}
