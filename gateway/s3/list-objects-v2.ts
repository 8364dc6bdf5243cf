/** GET /bucket?list-type=2 */
import { limits } from "../../base/limits.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, xmlDocument } from "../xml-write.ts";
import { S3Error } from "./errors.ts";
import { countParameter, decodeToken, encodeToken, keyEncoder } from "./list-parameters.ts";
import { listPage, objectOwners, objectRows, prefixRows } from "./list-rows.ts";

export async function listObjectsV2(call: Call): Promise<Answer> {
  const { bucket, query } = call.target;
  if (query.get("list-type") !== "2")
    throw new S3Error("InvalidArgument", "Invalid List Type specified in Request");
  const { encode, name: encodingType } = keyEncoder(query);
  const limit = countParameter(query, "max-keys", limits.listKeys);
  const startAfter = query.get("start-after");
  const token = query.get("continuation-token");
  const page = await listPage(call, decodeToken(token) ?? startAfter ?? "", limit);
  const delimiter = query.get("delimiter") ?? "";
  const owners =
    query.get("fetch-owner") === "true" ? await objectOwners(call, page.objects) : undefined;
  const next = page.truncated && page.last !== undefined ? encodeToken(page.last) : undefined;
  return xmlAnswer(
    xmlDocument(
      "ListBucketResult",
      element("Name", bucket) +
        element("Prefix", encode(query.get("prefix") ?? "")) +
        (delimiter === "" ? "" : element("Delimiter", encode(delimiter))) +
        (startAfter === undefined ? "" : element("StartAfter", encode(startAfter))) +
        element("ContinuationToken", token) +
        element("NextContinuationToken", next) +
        element("KeyCount", page.objects.length + page.prefixes.length) +
        element("MaxKeys", limit) +
        element("EncodingType", encodingType) +
        element("IsTruncated", page.truncated) +
        objectRows(page.objects, encode, owners) +
        prefixRows(page.prefixes, encode),
    ),
  );
}
