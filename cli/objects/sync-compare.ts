/**
 * Whether a source and a target of one name differ. As the aws cli: in size, or the source is newer;
 * a download also takes one that is older here… never by content, unless `--checksum` is given: then
 * by the ETag alone, computed for a file of this machine.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { md5OfEtag } from "./checksum-text.ts";
import { md5Slice } from "./file-slice.ts";
import type { Side } from "./sync-plan.ts";

export interface LocalSide extends Side {
  readonly place: "local";
  readonly path: string;
}

export interface RemoteSide extends Side {
  readonly place: "remote";
  readonly key: string;
  readonly etag: string;
}

export type AnySide = LocalSide | RemoteSide;

export interface CompareOptions {
  readonly sizeOnly: boolean;
  readonly checksum: boolean;
  readonly partBytes: number;
}

/** Stores keep whole seconds in their headers; a file's time may say more. */
const SAME_TIME_MS = 1000;

export async function differ(
  from: AnySide,
  to: AnySide,
  options: CompareOptions,
): Promise<boolean> {
  if (from.bytes !== to.bytes) return true;
  if (options.sizeOnly) return false;
  if (options.checksum) {
    const same = await sameContent(from, to, options.partBytes);
    if (same !== undefined) return !same;
  }
  return from.modifiedMs >= to.modifiedMs + SAME_TIME_MS;
}

/** Undefined when the ETags say nothing that could be computed here. */
async function sameContent(
  a: AnySide,
  b: AnySide,
  partBytes: number,
): Promise<boolean | undefined> {
  if (a.place === "remote" && b.place === "remote")
    return a.etag === b.etag ? true : md5OfEtag(a.etag) && md5OfEtag(b.etag) ? false : undefined;
  if (a.place === "remote" && b.place === "local") return sameAsFile(b, a.etag, partBytes);
  if (a.place === "local" && b.place === "remote") return sameAsFile(a, b.etag, partBytes);
  return undefined;
}

async function sameAsFile(
  { path, bytes }: LocalSide,
  etag: string,
  partBytes: number,
): Promise<boolean | undefined> {
  await using file = await open(path, "r");
  const whole = { file, path, offset: 0, lengthBytes: bytes };
  const md5 = md5OfEtag(etag);
  if (md5 !== undefined) return bytes === 0 ? md5 === EMPTY_MD5 : (await md5Slice(whole)) === md5;
  const parts = /^"?([0-9a-f]{32})-(\d+)"?$/.exec(etag);
  if (parts === null) return undefined;
  const count = Number(parts[2]);
  // The length of parts is not stated: ours, or one that programs commonly take.
  const lengths = [partBytes, ...[5, 8, 15, 16, 32, 50, 64, 100, 128].map((n) => n * 1024 * 1024)];
  const length = lengths.find((one) => Math.ceil(bytes / one) === count);
  if (length === undefined) return undefined;
  const digests = createHash("md5");
  for (let offset = 0; offset < bytes; offset += length) {
    const part = { ...whole, offset, lengthBytes: Math.min(length, bytes - offset) };
    digests.update(Buffer.from(await md5Slice(part), "hex"));
  }
  // Another length of parts gives another ETag of the same bytes: only equality proves anything.
  return digests.digest("hex") === parts[1] ? true : undefined;
}

const EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e";
