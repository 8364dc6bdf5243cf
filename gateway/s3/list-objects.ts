/** GET /bucket: the first version of listing, which many clients still speak. */
import { limits } from "../../base/limits.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, xmlDocument } from "../xml-write.ts";
import { countParameter, keyEncoder } from "./list-parameters.ts";
import { listPage, objectOwners, objectRows, prefixRows } from "./list-rows.ts";

/** biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for */
const inXml = /^[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*$/;

/**
 * Of this verb boto3 decodes all but the prefix, so it is left as it is where XML can carry it.
 */
function echoedPrefix(prefix: string, encode: (text: string) => string): string {
  return inXml.test(prefix) ? prefix : encode(prefix);
}

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
        element("Prefix", echoedPrefix(query.get("prefix") ?? "", encode)) +
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
