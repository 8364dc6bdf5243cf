/** DELETE /bucket?ownershipControls: objects belong to who writes them again. */
import { type Answer, emptyAnswer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";

export async function deleteOwnership(call: Call): Promise<Answer> {
  const bucket = bucketOf(call).name;
  const change = { ownership: null };
  await call.store.names.execute({ type: "configureBucket", bucket, change });
  return emptyAnswer(204);
}
