/** Valid signed requests of every kind, as the bytes and headers that go on the wire. */

import { checksumAlgorithms, checksumHeader, startChecksum } from "../../gateway/checksums.ts";
import { encodeBytes, encodeKey } from "../../gateway/percent.ts";
import { presignUrl, type Signer, sha256, signRequest } from "../sign-request.ts";
import type { Chance } from "./chance.ts";

export interface Wire {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

export interface ValidRequest extends Wire {
  readonly kind: BodyKind | "presigned";
  /** What the body means, without its frame. */
  readonly content: Buffer;
}

export interface Wanted {
  readonly signer: Signer;
  readonly host: string;
  readonly nowMs: number;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

const EMPTY = sha256("");
const kinds = ["exact", "unsigned", "signed chunks", "signed trailer", "unsigned trailer"] as const;
type BodyKind = (typeof kinds)[number];

const hashes: Readonly<Record<Exclude<BodyKind, "exact">, string>> = {
  unsigned: "UNSIGNED-PAYLOAD",
  "signed chunks": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "signed trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  "unsigned trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

const encodeText = (text: string) =>
  encodeBytes(Buffer.from(text, "utf8").toString("latin1"), false);

/** Sorted and encoded, as signatures want it. */
export function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => [encodeText(name), encodeText(value)] as const,
  );
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

export function validRequest(chance: Chance, wanted: Wanted): ValidRequest {
  const path = `/${wanted.bucket}${wanted.key === "" ? "" : `/${encodeKey(wanted.key)}`}`;
  if (chance.once(6)) return presigned(path, wanted);
  const kind = chance.one(kinds);
  const text = queryText(wanted.query);
  const url = text === "" ? path : `${path}?${text}`;
  return kind === "exact" || kind === "unsigned"
    ? whole(kind, url, wanted)
    : chunked(chance, kind, url, wanted);
}

function presigned(
  path: string,
  { signer, method, query, host, nowMs, content }: Wanted,
): ValidRequest {
  const url = presignUrl(signer, method, path, { ...query }, { host }, nowMs);
  const headers = { host, "content-length": String(content.length) };
  return { kind: "presigned", method, url, headers, body: content, content };
}

function whole(kind: "exact" | "unsigned", url: string, wanted: Wanted): ValidRequest {
  const { signer, method, host, headers, nowMs, content } = wanted;
  const hash = kind === "exact" ? sha256(content) : hashes.unsigned;
  const all = { host, ...headers, "content-length": String(content.length) };
  const signed = signRequest(signer, method, url, all, hash, nowMs);
  return { kind, method, url, headers: signed.headers, body: content, content };
}

function chunked(
  chance: Chance,
  kind: Exclude<BodyKind, "exact" | "unsigned">,
  url: string,
  { signer, method, host, headers, nowMs, content }: Wanted,
): ValidRequest {
  const algorithm = chance.one(checksumAlgorithms) ?? "CRC32";
  const running = startChecksum(algorithm);
  running.update(content);
  const trailer =
    kind === "signed chunks" ? undefined : `${checksumHeader(algorithm)}:${running.digest()}`;
  const all: Record<string, string> = {
    host,
    ...headers,
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": String(content.length),
    ...(trailer !== undefined && { "x-amz-trailer": checksumHeader(algorithm) }),
  };
  const signed = signRequest(signer, method, url, all, hashes[kind], nowMs);
  const parts: Uint8Array[] = [];
  const text = (line: string) => parts.push(Buffer.from(`${line}\r\n`, "latin1"));
  let previous = signed.signature;
  for (const chunk of [...chance.pieces(content), Buffer.alloc(0)]) {
    const length = chunk.length.toString(16);
    if (kind === "unsigned trailer") text(length);
    else {
      previous = signed.next("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY}\n${sha256(chunk)}`, previous);
      text(`${length};chunk-signature=${previous}`);
    }
    if (chunk.length > 0) parts.push(chunk, Buffer.from("\r\n"));
  }
  if (trailer !== undefined) text(trailer);
  if (kind === "signed trailer") {
    const signature = signed.next("AWS4-HMAC-SHA256-TRAILER", sha256(`${trailer}\n`), previous);
    text(`x-amz-trailer-signature:${signature}`);
  }
  text("");
  const body = Buffer.concat(parts);
  const sent = { ...signed.headers, "content-length": String(body.length) };
  return { kind, method, url, headers: sent, body, content };
}
