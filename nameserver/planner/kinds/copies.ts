/**
 * A pool of whole copies that shall have more of them, or fewer: places are added, and filled after
 * that like any that is lost; of too many copies those stay that are good, first where CRUSH wants them.
 */
import type { DeviceId } from "../../../base/ids.ts";
import { piecesOf } from "../../../rpc/pool.ts";
import type { CopiesNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import type { BlockView, Member } from "../view.ts";

export function copiesNeed(view: BlockView): CopiesNeed | undefined {
  const { row, scheme, pool, members, wanted } = view;
  if (pool === undefined || scheme.k !== 1 || pool.scheme.k !== 1) return undefined;
  const to = pool.scheme;
  if (scheme.m === to.m) return undefined;
  const count = piecesOf(to);
  const need = (stay: readonly (DeviceId | null)[]): CopiesNeed => ({
    ...{ kind: "convert", block: view.block, generation: row.generation, spare: view.spare },
    ...{ bytes: 0, targets: [], readers: [], from: scheme, to, members: stay },
  });
  const holes = Array.from({ length: Math.max(0, count - members.length) }, () => null);
  if (holes.length > 0) return need([...row.members, ...holes]);
  const good = members.flatMap(({ device, condition }) =>
    device !== null && condition === "good" ? [device] : [],
  );
  // As long as there are not enough good ones they are made, with the old number.
  if (good.length < count || !areAlike(members)) return undefined;
  const isWanted = (device: DeviceId) => (wanted.includes(device) ? 0 : 1);
  const stay = new Set(good.toSorted((a, b) => isWanted(a) - isWanted(b)).slice(0, count));
  return need(row.members.filter((device) => device !== null && stay.has(device)));
}

/** One that differs may have what those that stay lack: they agree first (reconciler.ts). */
function areAlike(members: readonly Member[]): boolean {
  const [first, ...others] = members.flatMap(({ condition, held }) =>
    condition === "good" && held !== undefined ? [held] : [],
  );
  return others.every((one) => one.digest === first?.digest && one.needles === first.needles);
}

export async function changeCopies({ propose }: RunContext, need: CopiesNeed): Promise<void> {
  const { block, generation, from, to, members } = need;
  await propose({ type: "setScheme", block, generation, from, to, members });
}
