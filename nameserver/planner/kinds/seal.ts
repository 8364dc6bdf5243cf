/**
 * An open block is sealed when a member of it lost what it had: its dataserver says that it is not there,
 * or harmed. Whose devices are out, full or failed, who opens blocks seals himself (open-blocks.ts).
 */
import type { SealNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import type { BlockView, Condition } from "../view.ts";

const isLoss: ReadonlySet<Condition> = new Set(["absent", "behind", "damaged"]);

export function sealNeed({ block, row, members, spare }: BlockView): SealNeed | undefined {
  if (!members.some(({ condition }) => isLoss.has(condition))) return undefined;
  const { generation } = row;
  return { kind: "seal", block, generation, spare, bytes: 0, targets: [], readers: [] };
}

export async function seal({ seal: sealIt }: RunContext, need: SealNeed): Promise<void> {
  await sealIt(need.block, need.generation);
}
