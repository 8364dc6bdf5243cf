/** Commands on the cluster map: each change of it raises its epoch. */
import { isDeepStrictEqual } from "node:util";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Location, OfferedDevice } from "../../rpc/cluster-map.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { DataserverRow, DeviceRow, MapRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const NAME = /^[\w.-]{1,64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ADDRESS_CHARACTERS = 300;
const VERSION_CHARACTERS = 64;
const TEBIBYTE = 2 ** 40;
const MOST_WEIGHT = 2 ** 32 - 1;

const empty: MapRow = { epoch: 0, dataservers: 0, nextDevice: 0 };

/** Saying the same again changes nothing: a dataserver does so at every start. */
export function registerDataserver(
  context: ApplyContext,
  command: Of<"registerDataserver">,
): CommandResult {
  check(command);
  const { rows } = context;
  const { server, address, version, devices } = command;
  const before = rows.get(keys.map()) ?? empty;
  let { dataservers, nextDevice } = before;
  const key = keys.dataserver(server);
  if (rows.get(key) === undefined) dataservers++;
  if (dataservers > limits.dataservers)
    throw new QuarryError("QuotaExceeded", `there are ${limits.dataservers} dataservers already`);
  const location = locationOf(command.location);
  let isChanged = put<DataserverRow>(context, key, { address, location, version });
  for (const offered of devices) {
    const known = rows.get(keys.device(offered.device));
    const number = known?.number ?? nextDevice++;
    const row = { ...placed(offered, known), number, server };
    isChanged = put<DeviceRow>(context, keys.device(offered.device), row) || isChanged;
  }
  if (!isChanged) return { type: "epoch", epoch: before.epoch };
  const epoch = before.epoch + 1;
  rows.put(keys.map(), { epoch, dataservers, nextDevice });
  return { type: "epoch", epoch };
}

/** True when it was another row. */
function put<Row>({ rows }: ApplyContext, key: RowKey<Row>, row: Row): boolean {
  if (isDeepStrictEqual(rows.get(key), row)) return false;
  rows.put(key, row);
  return true;
}

/** A weight stays as it is until the capacity is another. */
function placed(
  { capacityBytes, class: kind }: OfferedDevice,
  known: DeviceRow | undefined,
): Omit<DeviceRow, "number" | "server"> {
  const weight = known?.capacityBytes === capacityBytes ? known.weight : weightOf(capacityBytes);
  return {
    capacityBytes,
    weight,
    ...(kind !== undefined && { class: kind }),
    in: known?.in ?? true,
  };
}

/** 65,536 a tebibyte. A device that is there weighs something. */
function weightOf(capacityBytes: number): number {
  return Math.min(Math.max(1, Math.round((capacityBytes / TEBIBYTE) * 65_536)), MOST_WEIGHT);
}

/** Only the parts that are known, so that equal places are equal rows. */
function locationOf({ region, zone, rack, host }: Location): Location {
  return {
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { zone }),
    ...(rack !== undefined && { rack }),
    host,
  };
}

function check({ server, address, location, version, devices }: Of<"registerDataserver">): void {
  demand(UUID.test(server), "a dataserver has a UUID");
  demand(address.length <= ADDRESS_CHARACTERS && /:\d{1,5}$/.test(address), "write host:port");
  demand(version.length <= VERSION_CHARACTERS, "the version is too long");
  const { region, zone, rack, host } = location;
  for (const name of [region, zone, rack, host])
    demand(
      name === undefined || NAME.test(name),
      `${name} is no name of a place: use 1 to 64 letters, digits, dots, dashes and underscores`,
    );
  demand(
    devices.length <= limits.devicesPerDataserver,
    `a dataserver has at most ${limits.devicesPerDataserver} devices`,
  );
  for (const { device, capacityBytes, class: kind } of devices) {
    demand(UUID.test(device), "a device has a UUID");
    demand(Number.isSafeInteger(capacityBytes) && capacityBytes >= 0, "a capacity is in bytes");
    demand(kind === undefined || NAME.test(kind), `${kind} is no name of a class`);
  }
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new QuarryError("InvalidArgument", message);
}
