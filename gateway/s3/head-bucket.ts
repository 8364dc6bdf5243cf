/** HEAD /bucket; with `read-stats=true` its owner learns what it holds, as from Ceph's gateway. */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";

export async function headBucket(call: Call): Promise<Answer> {
  const headers: Record<string, string> = {
    "x-amz-bucket-region": call.region,
    "x-amz-access-point-alias": "false",
  };
  const asked = call.target.query.get("read-stats") === "true";
  if (asked && call.identity.id === bucketOf(call).owner) Object.assign(headers, await stats(call));
  return emptyAnswer(200, headers);
}

async function stats(call: Call): Promise<Record<string, string>> {
  const { owner, objects, versions, bytes, quota } = bucketOf(call);
  const user = await call.store.names.user({ id: owner });
  return {
    "x-rgw-object-count": String(objects + versions),
    "x-rgw-bytes-used": String(bytes),
    "x-rgw-quota-max-buckets": String(user?.quota?.buckets ?? limits.bucketsPerUser),
    "x-rgw-quota-bucket-size": String(quota?.bytes ?? -1),
    "x-rgw-quota-bucket-objects": String(quota?.objects ?? -1),
  };
}
