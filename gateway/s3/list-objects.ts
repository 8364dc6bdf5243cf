/** GET /bucket: the first version of listing, which many clients still speak. */
import { limits } from "../../base/limits.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, xmlDocument } from "../xml-write.ts";
import { countParameter, keyEncoder } from "./list-parameters.ts";
import { listPage, objectOwners, objectRows, prefixRows } from "./list-rows.ts";

export async function listObjects(call: Call): Promise<Answer> {
  const { bucket, query } = call.target;
  const { encode, name: encodingType } = keyEncoder(query);
  const limit = countParameter(query, "max-keys", limits.listKeys);
  const marker = query.get("marker") ?? "";
  const page = await listPage(call, marker, limit);
  const owners = await objectOwners(call, page.objects);
  const delimiter = query.get("delimiter") ?? "";
  // Without a delimiter the client goes on from the last key that it got.
  const next = page.truncated && delimiter !== "" ? page.last : undefined;
  return xmlAnswer(
    xmlDocument(
      "ListBucketResult",
      element("Name", bucket) +
        element("Prefix", encode(query.get("prefix") ?? "")) +
        element("Marker", encode(marker)) +
        (next === undefined ? "" : element("NextMarker", encode(next))) +
        (delimiter === "" ? "" : element("Delimiter", encode(delimiter))) +
        element("MaxKeys", limit) +
        element("EncodingType", encodingType) +
        element("IsTruncated", page.truncated) +
        objectRows(page.objects, encode, owners) +
        prefixRows(page.prefixes, encode),
    ),
  );
}
