/** PUT /bucket/key?acl: the list of the version that was judged is replaced, and of no other. */
import { askedAcl, listsAreOff } from "../acl/asked-acl.ts";
import { controlOfObject } from "../acl/evaluate.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { existingVersion, versionHeader } from "./existing-version.ts";

export async function putObjectAcl(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const { key, version, modifiedMs, attributes } = await existingVersion(call);
  if (listsAreOff(call)) return emptyAnswer(200, versionHeader(version));
  const { owner } = controlOfObject(bucket, attributes);
  const acl = await askedAcl(call, { owner, bucketOwner: bucket.owner });
  // The list may have been changed while the new one was on its way.
  await existingVersion(call);
  await call.store.names.execute({
    type: "describeObject",
    bucket: bucket.name,
    key,
    version,
    seen: { etag: attributes.etag, modifiedMs },
    change: { acl },
  });
  return emptyAnswer(200, versionHeader(version));
}
