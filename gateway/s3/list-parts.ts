/** GET /bucket/key?uploadId=ID */
import { limits } from "../../base/limits.ts";
import type { PartInfo } from "../../rpc/name-service.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, isoTime, wrap, xmlDocument } from "../xml-write.ts";
import { countParameter, keyEncoder } from "./list-parameters.ts";
import { displayNamesOf, ownerElement } from "./owner-xml.ts";

function partRow({ part, etag, lengthBytes, modifiedMs, checksum }: PartInfo): string {
  const sum =
    checksum === undefined ? "" : element(`Checksum${checksum.algorithm}`, checksum.value);
  return wrap(
    "Part",
    element("PartNumber", part) +
      element("LastModified", isoTime(modifiedMs)) +
      element("ETag", `"${etag}"`) +
      element("Size", lengthBytes) +
      sum,
  );
}

export async function listParts(call: Call): Promise<Answer> {
  const { bucket, key, query } = call.target;
  const { encode, name: encodingType } = keyEncoder(query);
  const uploadId = query.get("uploadId") ?? "";
  const limit = countParameter(query, "max-parts", limits.listKeys);
  const after = query.has("part-number-marker")
    ? countParameter(query, "part-number-marker", limits.partNumber)
    : 0;
  const page = await call.store.names.parts({ bucket, key, upload: uploadId, after, limit });
  const { upload } = page;
  const names = await displayNamesOf(call, [upload.initiator, upload.owner]);
  return xmlAnswer(
    xmlDocument(
      "ListPartsResult",
      element("Bucket", bucket) +
        element("Key", encode(key)) +
        element("UploadId", uploadId) +
        ownerElement("Initiator", upload.initiator, names) +
        ownerElement("Owner", upload.owner, names) +
        element("StorageClass", upload.storageClass ?? "STANDARD") +
        element("PartNumberMarker", after) +
        element("NextPartNumberMarker", page.parts.at(-1)?.part ?? after) +
        element("MaxParts", limit) +
        element("EncodingType", encodingType) +
        element("IsTruncated", page.truncated) +
        element("ChecksumAlgorithm", upload.checksumAlgorithm) +
        element("ChecksumType", upload.checksumType) +
        page.parts.map(partRow).join(""),
    ),
  );
}
