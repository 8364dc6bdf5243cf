/**
 * An open block is sealed when a member of it lost what it had: its dataserver says that it is not there,
 * or harmed. Whose devices are out, full or failed, who opens blocks seals himself (open-blocks.ts).
 */
import { QuarryError } from "../../../base/errors.ts";
import type { SealNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import type { BlockView, Condition } from "../view.ts";

const isLoss: ReadonlySet<Condition> = new Set(["absent", "behind", "damaged"]);

export function sealNeed({ block, row, members, spare }: BlockView): SealNeed | undefined {
  if (!members.some(({ condition }) => isLoss.has(condition))) return undefined;
  const { generation } = row;
  return { kind: "seal", block, generation, spare, bytes: 0, targets: [], readers: [] };
}

/** @throws QuarryError `Unavailable` when too few of its members refuse appends: it rests before the next try. */
export async function seal({ seal: sealIt, rowOf }: RunContext, need: SealNeed): Promise<void> {
  const { block, generation } = need;
  await sealIt(block, generation);
  const row = rowOf(block);
  if (row?.state === "open" && row.generation === generation)
    throw new QuarryError(
      "Unavailable",
      `too few members of block ${block} can be told to seal it`,
    );
}
