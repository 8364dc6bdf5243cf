/** GET /bucket?uploads */
import { limits } from "../../base/limits.ts";
import type { UploadInfo } from "../../rpc/name-service.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, isoTime, wrap, xmlDocument } from "../xml-write.ts";
import { countParameter, keyEncoder } from "./list-parameters.ts";
import { prefixRows } from "./list-rows.ts";
import { displayNamesOf, ownerElement } from "./owner-xml.ts";

interface Page {
  readonly uploads: readonly UploadInfo[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
}

/** Where the next page begins: behind the last upload or prefix, in the order of UTF-8 bytes. */
function nextMarkers(page: Page): { readonly key: string; readonly upload: string } {
  const upload = page.uploads.at(-1);
  const prefix = page.prefixes.at(-1);
  const byPrefix =
    prefix !== undefined &&
    (upload === undefined || Buffer.compare(Buffer.from(prefix), Buffer.from(upload.key)) > 0);
  if (byPrefix) return { key: prefix, upload: "" };
  return { key: upload?.key ?? "", upload: upload?.upload ?? "" };
}

export async function listMultipartUploads(call: Call): Promise<Answer> {
  const { bucket, query } = call.target;
  const { encode, name: encodingType } = keyEncoder(query);
  const limit = countParameter(query, "max-uploads", limits.listKeys);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keyAfter = query.get("key-marker") ?? "";
  const uploadAfter = query.get("upload-id-marker") ?? "";
  const page: Page =
    limit === 0
      ? { uploads: [], prefixes: [], truncated: false }
      : await call.store.names.uploads({ bucket, prefix, delimiter, keyAfter, uploadAfter, limit });
  const next = nextMarkers(page);
  const ids = page.uploads.flatMap(({ initiator, owner }) => [initiator, owner]);
  const names = await displayNamesOf(call, ids);
  const row = (upload: UploadInfo) =>
    wrap(
      "Upload",
      element("Key", encode(upload.key)) +
        element("UploadId", upload.upload) +
        ownerElement("Initiator", upload.initiator, names) +
        ownerElement("Owner", upload.owner, names) +
        element("StorageClass", upload.storageClass ?? "STANDARD") +
        element("Initiated", isoTime(upload.startedMs)) +
        element("ChecksumAlgorithm", upload.checksumAlgorithm) +
        element("ChecksumType", upload.checksumType),
    );
  return xmlAnswer(
    xmlDocument(
      "ListMultipartUploadsResult",
      element("Bucket", bucket) +
        element("KeyMarker", encode(keyAfter)) +
        element("UploadIdMarker", uploadAfter) +
        (page.truncated ? element("NextKeyMarker", encode(next.key)) : "") +
        (page.truncated ? element("NextUploadIdMarker", next.upload) : "") +
        element("Prefix", encode(prefix)) +
        (delimiter === "" ? "" : element("Delimiter", encode(delimiter))) +
        element("EncodingType", encodingType) +
        element("MaxUploads", limit) +
        element("IsTruncated", page.truncated) +
        page.uploads.map(row).join("") +
        prefixRows(page.prefixes, encode),
    ),
  );
}
