/**
 * What must hold before a device or a dataserver leaves the cluster map, as far as a command cannot see
 * it: nobody serves it, and nothing names it. The command carries the epoch in which that was so.
 */
import { QuarryError } from "../base/errors.ts";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { Command, CommandResult } from "../rpc/commands.ts";
import { stillIn } from "./apply/removals.ts";
import type { Group } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import type { Liveness } from "./liveness.ts";
import { readMap } from "./queries/cluster-map.ts";
import { read } from "./queries/read.ts";
import type { StateReads } from "./state-store.ts";
import { blockRows } from "./workers/block-rows.ts";

export type Removal = Extract<Command, { type: "removeDevice" | "removeDataserver" }>;

export interface RemovalOptions {
  readonly group: Pick<Group, "state">;
  readonly blocks: Pick<BlockService, "devices">;
  readonly liveness: Pick<Liveness, "isHeard">;
  propose(command: Removal): Promise<CommandResult>;
}

/** @throws QuarryError `InvalidArgument` with what is in the way; `NoSuchDevice`. */
export async function remove(options: RemovalOptions, command: Removal): Promise<CommandResult> {
  return await options.propose({ ...command, epoch: await seenFree(options, command) });
}

/** The epoch in which nothing was in the way. */
async function seenFree(options: RemovalOptions, command: Removal): Promise<number> {
  await using view = options.group.state.snapshot();
  const epoch = read(view, keys.map())?.epoch ?? 0;
  if (command.type === "removeDevice") {
    // Who reads first that it is to be stopped stops one that is still needed.
    const { in: isIn } = read(view, keys.device(command.device)) ?? {};
    if (isIn === true) throw stillIn(command.device);
    await demandUnserved(options, command.device);
    await demandUnnamed(view, command.device);
  } else {
    if (options.liveness.isHeard(command.server)) throw stillRuns("this dataserver");
    await demandWithoutDevices(view, command.server);
  }
  return epoch;
}

async function demandUnserved({ blocks }: RemovalOptions, device: DeviceId): Promise<void> {
  const states = await blocks.devices();
  if (states.some((one) => one.device === device && one.state !== "down"))
    throw stillRuns(`the dataserver that has device ${device}`);
}

const stillRuns = (who: string) =>
  new QuarryError(
    "InvalidArgument",
    `${who} runs, and would register again: stop it, or start it without this folder in its --data, and try again after ${limits.deviceDownMs / 1000} seconds`,
  );

async function demandUnnamed(view: StateReads, device: DeviceId): Promise<void> {
  let blocks = 0;
  for await (const { row } of blockRows(view))
    if (row.members.includes(device) || row.before?.members.includes(device)) blocks++;
  if (blocks > 0)
    throw new QuarryError(
      "InvalidArgument",
      `${blocks} blocks still have a piece on device ${device}: wait until these are made anew elsewhere (quarry admin health), or start its dataserver`,
    );
}

async function demandWithoutDevices(view: StateReads, server: ServerId): Promise<void> {
  const { devices } = await readMap(view);
  const left = devices.filter((one) => one.server === server).map(({ device }) => device);
  if (left.length > 0)
    throw new QuarryError(
      "InvalidArgument",
      `this dataserver still has ${left.length === 1 ? "device" : "devices"} ${left.join(", ")}: remove them first, or start another dataserver with their folders`,
    );
}
