/** Requests that ask for anything S3 has, with odd values: what {@link validRequest} then signs. */
import { METHODS } from "node:http";
import { subresources } from "../../gateway/subresources.ts";
import type { Chance } from "./chance.ts";

const verbs = ["GET", "GET", "HEAD", "PUT", "PUT", "POST", "DELETE", "OPTIONS"];
const parameters = [
  "prefix",
  "delimiter",
  "marker",
  "max-keys",
  "encoding-type",
  "list-type",
  "versionId",
  "continuation-token",
  "start-after",
  "partNumber",
  "uploadId",
  "key-marker",
  "upload-id-marker",
  "response-content-type",
  "response-expires",
  "fetch-owner",
  "max-parts",
];
const headers = [
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "content-type",
  "content-encoding",
  "cache-control",
  "content-md5",
  "expect",
  "origin",
  "access-control-request-method",
  "x-amz-acl",
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-copy-source-if-match",
  "x-amz-metadata-directive",
  "x-amz-tagging",
  "x-amz-tagging-directive",
  "x-amz-storage-class",
  "x-amz-checksum-mode",
  "x-amz-checksum-crc32",
  "x-amz-checksum-algorithm",
  "x-amz-checksum-type",
  "x-amz-expected-bucket-owner",
  "x-amz-object-attributes",
  "x-amz-meta-a",
  "x-amz-grant-read",
  "x-amz-mp-object-size",
  "x-amz-bypass-governance-retention",
];
const values = [
  "",
  "0",
  "1",
  "2",
  "1000",
  "10001",
  "-1",
  "url",
  "*",
  "null",
  "/",
  "bytes=0-1",
  "bytes=5-",
  "bytes=-3",
  "/bucket/k",
  "/other/k?versionId=x",
  "../other/k",
  "Thu, 01 Jan 2026 00:00:00 GMT",
  '"0123"',
  "COPY",
  "REPLACE",
  "private",
  "public-read",
  "STANDARD",
  "ENABLED",
  "CRC32",
  "AAAAAA==",
  "a=b&c=d",
  "ETag,Checksum,ObjectParts,StorageClass,ObjectSize",
  "100-continue",
  "http://example.com",
  "user-1",
  "text/xml",
];
const documents = [
  "<Delete><Object><Key>$</Key></Object></Delete>",
  "<Delete><Quiet>true</Quiet><Object><Key>$</Key><VersionId>$</VersionId></Object></Delete>",
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>$</ETag></Part></CompleteMultipartUpload>",
  "<CreateBucketConfiguration><LocationConstraint>$</LocationConstraint></CreateBucketConfiguration>",
  "<Tagging><TagSet><Tag><Key>$</Key><Value>$</Value></Tag></TagSet></Tagging>",
  "<VersioningConfiguration><Status>$</Status></VersioningConfiguration>",
  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  "<CORSConfiguration><CORSRule><AllowedOrigin>$</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ExposeHeader>$</ExposeHeader></CORSRule></CORSConfiguration>",
  "<AccessControlPolicy><Owner><ID>$</ID></Owner><AccessControlList/></AccessControlPolicy>",
];

const escaped = (text: string) => text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`);

function value(chance: Chance): string {
  return chance.once(4) ? chance.text(12) : (chance.one(values) ?? "");
}

function content(chance: Chance): Buffer {
  if (chance.once(3)) return chance.bytes(chance.upTo(chance.one([0, 100, 5000, 70_000])));
  const document = chance.one(documents) ?? "";
  return Buffer.from(document.replace(/\$/g, () => escaped(value(chance))));
}

export interface RandomVerb {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/** `uploads`: ids of uploads that are there. */
export function randomVerb(chance: Chance, uploads: readonly string[]): RandomVerb {
  const query: Record<string, string> = {};
  if (chance.once(2))
    query[chance.one([...subresources]) ?? ""] = chance.once(2) ? "" : value(chance);
  for (let left = chance.upTo(3); left > 0; left--)
    query[chance.one(parameters) ?? ""] = value(chance);
  const upload = chance.one(uploads);
  if (upload !== undefined && chance.once(5)) query["uploadId"] = upload;
  const sent: Record<string, string> = {};
  for (let left = chance.upTo(4); left > 0; left--)
    sent[chance.one(headers) ?? ""] = value(chance)
      .replace(/[^\x20-\x7e]/g, "")
      .trim();
  const level = chance.below(8);
  return {
    method: (chance.once(20) ? chance.one(METHODS) : chance.one(verbs)) ?? "GET",
    bucket:
      level === 0 ? "" : chance.one(["bucket", "bucket", "bucket", "other", "nothing", "new"]),
    key:
      level < 3
        ? ""
        : chance.once(2)
          ? chance.one(["k", "../x", "a//b", ".", "%2F"])
          : chance.text(20),
    query,
    headers: sent,
    content: chance.once(3) ? Buffer.alloc(0) : content(chance),
  };
}
