/** Which names lose bytes when blobs do. */
import type { BlobId } from "../../base/ids.ts";
import { slicesOfPart } from "../../nameserver/apply/parts.ts";
import { wholeRows } from "../../nameserver/audit/audit-blobs.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { type Key, KeyReader } from "../../nameserver/keyspace.ts";
import type * as rows from "../../nameserver/rows.ts";
import { sequenceText, versionText } from "../../nameserver/version-id.ts";
import type { Finding, OnFinding } from "./finding.ts";

type What = Extract<Finding, { kind: "missing" }>["what"];
type Lost = ReadonlyMap<BlobId, number>;

/** Tells of every name with lost bytes; gives how many there are. */
export async function tellLostNames(
  state: StateReader,
  lost: Lost,
  onFinding: OnFinding,
): Promise<number> {
  if (lost.size === 0) return 0;
  const buckets = new Map<number, string>();
  for await (const [key, row] of wholeRows<rows.BucketRow>(state, "bucket"))
    buckets.set(row.id, new KeyReader(key).text());
  const contents = await lostContents(state, lost);
  let count = 0;
  const tell = (what: What, key: Key, row: rows.NameRow) => {
    const content = lostOf(lost, row.slices ?? []) + (contents.get(row.content ?? -1) ?? 0);
    // Without its list a linked fid is not found any more, though the object is.
    const list = row.list === undefined ? 0 : (lost.get(row.list) ?? 0);
    const missingBytes = content + list;
    if (missingBytes === 0) return;
    count++;
    const reader = new KeyReader(key);
    const bucket = buckets.get(reader.u56()) ?? "?";
    const named = { bucket, key: reader.text(), version: versionText(row) };
    onFinding({ kind: "missing", what, ...named, lengthBytes: row.length, missingBytes });
  };
  for await (const [key, row] of wholeRows<rows.NameRow>(state, "current"))
    tell("object", key, row);
  for await (const [key, row] of wholeRows<rows.NameRow>(state, "version"))
    tell("old version", key, row);
  for await (const [key, { row }] of wholeRows<rows.TrashRow>(state, "trash"))
    tell("deleted object", key, row);
  return count + (await tellLostParts(state, lost, buckets, onFinding));
}

/** At most what is lost of the blobs: a slice may not touch the lost part. */
function lostOf(lost: Lost, slices: readonly rows.SliceTuple[]): number {
  let bytes = 0;
  for (const [blob, , length] of slices) bytes += Math.min(length, lost.get(blob) ?? 0);
  return bytes;
}

async function lostContents(state: StateReader, lost: Lost): Promise<Map<number, number>> {
  const contents = new Map<number, number>();
  for await (const [key, page] of wholeRows<rows.ContentPageRow>(state, "contentPage")) {
    const bytes = lostOf(lost, page.slices);
    const id = new KeyReader(key).u56();
    if (bytes > 0) contents.set(id, (contents.get(id) ?? 0) + bytes);
  }
  return contents;
}

async function tellLostParts(
  state: StateReader,
  lost: Lost,
  buckets: ReadonlyMap<number, string>,
  onFinding: OnFinding,
): Promise<number> {
  const uploads = new Map<number, { readonly bucket: string; readonly key: string }>();
  for await (const [key] of wholeRows<rows.UploadRow>(state, "upload")) {
    const reader = new KeyReader(key);
    const named = { bucket: buckets.get(reader.u56()) ?? "?", key: reader.text() };
    uploads.set(reader.u56(), named);
  }
  let count = 0;
  for await (const [key, part] of wholeRows<rows.PartRow>(state, "part")) {
    const missingBytes = lostOf(lost, slicesOfPart(part));
    const upload = new KeyReader(key).u56();
    const named = uploads.get(upload);
    if (missingBytes === 0 || named === undefined) continue;
    count++;
    const version = sequenceText(upload);
    const lengthBytes = part.length;
    const what = "part of an upload";
    onFinding({ kind: "missing", what, ...named, version, lengthBytes, missingBytes });
  }
  return count;
}
