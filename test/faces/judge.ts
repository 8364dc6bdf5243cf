/** What the folder of the store has to say in the end, held against the model. */
import { faceOf, type LoadContext } from "./load.ts";
import { check, type Fsck, sweepAll } from "./swept.ts";

type Judged = Pick<LoadContext, "model" | "contents" | "faces">;

export async function judge(
  data: string,
  context: Judged,
): Promise<{ readonly blobs: number; readonly after: Fsck }> {
  const { model } = context;
  const before = await check(data);
  const blobs = await sweepAll(data);
  const after = await check(data);
  for (const [when, found] of Object.entries({ before, after })) {
    for (const finding of found.findings) model.complain(`fsck ${when} the sweep: ${finding}`);
    const { missing, thin, problems } = found;
    if (missing + thin + problems > 0)
      model.complain(`fsck ${when} the sweep: ${JSON.stringify({ missing, thin, problems })}`);
  }
  if (after.orphans > 0) model.complain(`${after.orphans} needles are left that nobody names`);
  countBlobs(context, blobs);
  countBare(context, after.free);
  return { blobs, after };
}

/** Each content is one blob, or was put together of some, however many names hold it. */
function countBlobs(context: Judged, blobs: number): void {
  const { model, contents } = context;
  const named = new Set<number>();
  let more = 0;
  for (const name of model.names()) {
    const held = model.held(name);
    if (held === undefined) continue;
    const holds = faceOf(context, name).holds(name);
    if (holds.content) for (const blob of contents.blobs(held)) named.add(blob);
    more += holds.more;
  }
  if (blobs !== named.size + more)
    model.complain(`${blobs} blobs are left, and names hold ${named.size} and ${more} of lists`);
}

/** Bare fids live until they are removed; of a few nobody was told. */
function countBare({ model, faces }: Judged, free: number): void {
  const bare = model
    .names()
    .filter((name) => model.held(name) !== undefined && !faceOf({ faces }, name).isListed(name));
  if (free < bare.length || free > bare.length + model.unnamed)
    model.complain(`${free} bare needles are left, and ${bare.length} fids are known`);
}
