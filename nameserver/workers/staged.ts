/**
 * Drops what conversions have left on devices that were given up: their leader died, or a target was away
 * when the rest was dropped. Devices are asked what waits there; rows say what is waited for.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Staged } from "../../rpc/stripe-service.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { devicesAway } from "./members-up.ts";
import type { WorkContext, Worker } from "./worker.ts";

/** Whether a device will be told to switch to it yet. Who converts the block now has claimed it. */
export function isAwaited(
  row: Pick<BlockRow, "generation" | "encoding" | "members"> | undefined,
  device: DeviceId,
  { generation, encoding }: Staged,
): boolean {
  if (row === undefined || row.generation !== generation) return false;
  return row.members.includes(device) && row.encoding === encoding;
}

export function dropStaged(context: WorkContext): Worker {
  const { clock } = context;
  let todo: DeviceId[] | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    name: "removal of what conversions have left",
    async step() {
      if (todo === undefined) {
        if (clock.monotonicMs() - lookedMs < limits.stagedLookMs) return false;
        lookedMs = clock.monotonicMs();
        // The command of a leader before may be in the log, and not in the state yet.
        await context.group.readBarrier();
        const away = await devicesAway(context);
        const all = (await context.blocks.devices()).map(({ device }) => device);
        todo = all.filter((device) => !away.has(device));
      }
      const device = todo.shift();
      if (device === undefined) {
        todo = undefined;
        return false;
      }
      try {
        for (const staged of await context.blocks.staged(device))
          await dropUnlessAwaited(context, device, staged);
      } catch (error) {
        // An earlier version tells nothing; who is away now is asked the next time.
        if (!(error instanceof QuarryError) || hasCode(error, "StaleTerm")) throw error;
      }
      return true;
    },
  };
}

/** The claim is taken before the row is read: no conversion begins, or ends, in between. */
async function dropUnlessAwaited(
  { group, blocks, claims, report }: WorkContext,
  device: DeviceId,
  staged: Staged,
): Promise<void> {
  const { block, generation } = staged;
  using claim = claims?.take(block);
  if (claims !== undefined && claim === undefined) return;
  if (isAwaited(read(group.state, keys.block(block)), device, staged)) return;
  await blocks.dropStage({ device, block, generation });
  report(`what a conversion of block ${block} had left on device ${device} is removed`);
}
