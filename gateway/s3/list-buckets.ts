/** GET / */
import { limits } from "../../base/limits.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, isoTime, wrap, xmlDocument } from "../xml-write.ts";
import { countParameter, decodeToken, encodeToken } from "./list-parameters.ts";
import { displayNamesOf, ownerElement } from "./owner-xml.ts";

const MAX_BUCKETS = 10_000;

export async function listBuckets(call: Call): Promise<Answer> {
  const { query } = call.target;
  const limit = countParameter(query, "max-buckets", MAX_BUCKETS, 1);
  const prefix = query.get("prefix") ?? "";
  const { id: userId } = call.identity;
  const found: BucketInfo[] = [];
  let after = decodeToken(query.get("continuation-token")) ?? "";
  let more = true;
  while (more && found.length <= limit) {
    const page = await call.store.names.buckets(userId, after, limits.listKeys);
    for (const bucket of page) if (bucket.name.startsWith(prefix)) found.push(bucket);
    after = page.at(-1)?.name ?? after;
    more = page.length === limits.listKeys;
  }
  const shown = found.slice(0, limit);
  const last = found.length > limit ? shown.at(-1)?.name : undefined;
  const names = await displayNamesOf(call, [userId]);
  const rows = shown.map((bucket) =>
    wrap(
      "Bucket",
      element("Name", bucket.name) + element("CreationDate", isoTime(bucket.createdMs)),
    ),
  );
  return xmlAnswer(
    xmlDocument(
      "ListAllMyBucketsResult",
      ownerElement("Owner", userId, names) +
        wrap("Buckets", rows.join("")) +
        (last === undefined ? "" : element("ContinuationToken", encodeToken(last))) +
        (prefix === "" ? "" : element("Prefix", prefix)),
    ),
  );
}
