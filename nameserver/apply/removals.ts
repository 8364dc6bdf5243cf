/**
 * Devices and dataservers that are taken out of the cluster map for good. That no block names a device
 * was seen by the leader, in the map of `epoch`: while a device is out no block takes it as a member
 * (`demandMembers`), and to put it in again is another epoch. So what was seen still holds.
 */
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { type BlockMembers, filled } from "../../rpc/name-service.ts";
import { keys } from "../keyspace.ts";
import { mapOf, raiseEpoch } from "./cluster-map.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export function removeDevice(context: ApplyContext, command: Of<"removeDevice">): CommandResult {
  const { device } = command;
  const row = context.rows.get(keys.device(device));
  if (row === undefined)
    throw new QuarryError("NoSuchDevice", `the cluster has no device ${device}`);
  if (row.in) throw stillIn(device);
  demandSeen(context, command.epoch);
  context.rows.delete(keys.device(device));
  return raiseEpoch(context, {});
}

export const stillIn = (device: DeviceId): QuarryError =>
  new QuarryError(
    "InvalidArgument",
    `device ${device} is in: mark it out (quarry admin device out), so that what it holds is made elsewhere, and remove it after that`,
  );

export function removeDataserver(
  context: ApplyContext,
  command: Of<"removeDataserver">,
): CommandResult {
  const key = keys.dataserver(command.server);
  if (context.rows.get(key) === undefined)
    throw new QuarryError("NoSuchDevice", `the cluster has no dataserver ${command.server}`);
  demandSeen(context, command.epoch);
  context.rows.delete(key);
  return raiseEpoch(context, { dataservers: mapOf(context).dataservers - 1 });
}

function demandSeen(context: ApplyContext, epoch: number | undefined): void {
  if (epoch !== mapOf(context).epoch)
    throw new QuarryError("Changed", "the cluster map has changed meanwhile; try again");
}

/**
 * New members of a block are devices that the map has, and that are in. A store whose devices were
 * never registered has its own.
 */
export function demandMembers(context: ApplyContext, members: BlockMembers): void {
  if (context.level < 2 || mapOf(context).nextDevice === 0) return;
  for (const device of filled(members)) demandMember(context, device);
}

function demandMember({ rows }: ApplyContext, device: DeviceId): void {
  if (rows.get(keys.device(device))?.in !== true)
    throw new QuarryError("NoSuchDevice", `device ${device} is out, and takes no blocks`);
}
