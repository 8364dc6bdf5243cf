/** GET /?usage, as Ceph's gateway has it: what the caller's buckets hold, and how much they may. */
import { limits } from "../../base/limits.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, wrap, XML_HEAD } from "../xml-write.ts";

const NO_LIMIT = -1;

export async function getUsage(call: Call): Promise<Answer> {
  const { id } = call.identity;
  const { names } = call.store;
  const quota = (await names.user({ id }))?.quota;
  const buckets = await names.buckets(id, "", limits.bucketsPerUser);
  const bytes = buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
  const objects = buckets.reduce((sum, { objects, versions }) => sum + objects + versions, 0);
  return xmlAnswer(
    // Without a namespace: this is no document of AWS's.
    XML_HEAD +
      wrap(
        "Usage",
        wrap(
          "Summary",
          element("QuotaMaxBytes", quota?.bytes ?? NO_LIMIT) +
            element("QuotaMaxBuckets", quota?.buckets ?? limits.bucketsPerUser) +
            element("QuotaMaxObjCount", quota?.objects ?? NO_LIMIT) +
            element("QuotaMaxBytesPerBucket", NO_LIMIT) +
            element("QuotaMaxObjCountPerBucket", NO_LIMIT) +
            element("TotalBytes", bytes) +
            element("TotalEntries", objects),
        ),
      ),
  );
}
