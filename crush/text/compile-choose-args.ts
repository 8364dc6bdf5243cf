/** One choose_args block of a text map. */
import type { ChooseArgs } from "../map.ts";
import { type Draft, refuse } from "./draft.ts";
import { parseWeight } from "./fixed-point.ts";
import type { ChooseArgsBlock } from "./syntax.ts";

export function compileChooseArgs(draft: Draft, block: ChooseArgsBlock): void {
  if (draft.chooseArgs.has(block.index)) refuse(`there are two choose_args ${block.index}`);
  const byBucket = new Map<number, ChooseArgs>();
  for (const { bucketId, weightSets, ids } of block.buckets) {
    const size = draft.buckets.get(bucketId)?.items.length;
    if (size === undefined) refuse(`choose_args ${block.index}: there is no bucket ${bucketId}`);
    const check = (what: string, count: number) => {
      if (count !== size)
        refuse(
          `choose_args ${block.index}: bucket ${bucketId} needs ${size} ${what}, not ${count}`,
        );
    };
    for (const set of weightSets ?? []) check("weights", set.length);
    if (ids !== undefined) check("ids", ids.length);
    // What a later entry for the same bucket leaves out stays as it was.
    const before = byBucket.get(bucketId);
    byBucket.set(bucketId, {
      weightSets: weightSets?.map((set) => set.map(parseWeight)) ?? before?.weightSets ?? [],
      ids: ids ?? before?.ids ?? [],
    });
  }
  for (const [id, args] of byBucket) {
    // Only straw2 buckets use them; Ceph forgets the others, too.
    const used = draft.buckets.get(id)?.algorithm === "straw2";
    if (!used || (args.weightSets.length === 0 && args.ids.length === 0)) byBucket.delete(id);
  }
  draft.chooseArgs.set(block.index, new Map([...byBucket].sort(([a], [b]) => b - a)));
}
