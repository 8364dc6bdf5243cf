/**
 * An open block is sealed when a member of it lost what it had (its device is out and down, or says that
 * it is not there, or harmed), or when CRUSH wants it elsewhere by now and could have it there: only
 * sealed ones are made anew or move. Who opens blocks seals those on devices that are full or failed
 * himself (open-blocks.ts), and looks for them less often.
 */
import { QuarryError } from "../../../base/errors.ts";
import type { DeviceId } from "../../../base/ids.ts";
import type { SealNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import type { BlockView, Condition } from "../view.ts";

const isLoss: ReadonlySet<Condition> = new Set(["lost", "absent", "behind", "damaged"]);

export function sealNeed(view: BlockView): SealNeed | undefined {
  const { block, row, members, spare } = view;
  if (!members.some(({ condition }) => isLoss.has(condition)) && !canMove(view)) return undefined;
  const { generation } = row;
  return { kind: "seal", block, generation, spare, bytes: 0, targets: [], readers: [] };
}

/** Of a good member that stands elsewhere, where all places are there and take blocks. */
function canMove({ members, wanted, devices }: BlockView): boolean {
  const isElsewhere = members.some(
    ({ device, condition }) => condition === "good" && device !== null && !wanted.includes(device),
  );
  const takes = (device: DeviceId | undefined) =>
    device !== undefined && devices.get(device)?.state === "ok";
  return isElsewhere && wanted.every(takes);
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
