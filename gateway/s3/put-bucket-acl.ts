/** PUT /bucket?acl */
import { askedAcl, listsAreOff } from "../acl/asked-acl.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";

export async function putBucketAcl(call: Call): Promise<Answer> {
  const { name, owner } = bucketOf(call);
  if (listsAreOff(call)) return emptyAnswer(200);
  const acl = await askedAcl(call, { owner });
  await call.store.names.execute({ type: "configureBucket", bucket: name, change: { acl } });
  return emptyAnswer(200);
}
