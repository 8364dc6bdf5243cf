/** Commands on the cluster map: each change of it raises its epoch. */
import { isDeepStrictEqual } from "node:util";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Location, OfferedDevice } from "../../rpc/cluster-map.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { DataserverRow, DeviceRow, MapRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";
import { ensurePlaces } from "./places.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const NAME = /^[\w.-]{1,64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ADDRESS_CHARACTERS = 300;
const VERSION_CHARACTERS = 64;
const PATH_CHARACTERS = 4096;
const TEBIBYTE = 2 ** 40;
/** Ceph reads larger ones as negative (crush/layout.ts). */
const MOST_WEIGHT = 2 ** 31 - 1;
/** A difference of this part is none. */
const SAME_CAPACITY = 0.01;

const empty: MapRow = { epoch: 0, dataservers: 0, nextDevice: 0 };

/** Saying the same again changes nothing: a dataserver does so at every start. */
export function registerDataserver(
  context: ApplyContext,
  command: Of<"registerDataserver">,
): CommandResult {
  check(command);
  const { rows } = context;
  const { server, address, version, devices } = command;
  const before = mapOf(context);
  let { dataservers, nextDevice } = before;
  const key = keys.dataserver(server);
  if (rows.get(key) === undefined) dataservers++;
  if (dataservers > limits.dataservers)
    throw new QuarryError("QuotaExceeded", `there are ${limits.dataservers} dataservers already`);
  const location = locationOf(command.location);
  let isChanged = put<DataserverRow>(context, key, { address, location, version });
  const classes = devices.flatMap((offered) => offered.class ?? []);
  const { host, given } = ensurePlaces(context, location, classes, before.placeIds ?? 0);
  for (const offered of devices) {
    const known = rows.get(keys.device(offered.device));
    const number = known?.number ?? nextDevice++;
    const row = { ...placed(context, offered, known), number, server, place: host };
    isChanged = put<DeviceRow>(context, keys.device(offered.device), row) || isChanged;
  }
  if (!isChanged && given === (before.placeIds ?? 0)) return { type: "epoch", epoch: before.epoch };
  return raiseEpoch(context, { dataservers, nextDevice, placeIds: given });
}

export function changeDevice(context: ApplyContext, command: Of<"changeDevice">): CommandResult {
  const { device, weight, by } = command;
  const key = keys.device(device);
  const known = context.rows.get(key);
  if (known === undefined)
    throw new QuarryError("NoSuchDevice", `the cluster has no device ${device}`);
  demand(
    typeof weight !== "number" ||
      (Number.isInteger(weight) && weight >= 0 && weight <= MOST_WEIGHT),
    "a weight is a number of 16.16 fixed point, from 0 to below 32768.0",
  );
  const { epoch } = mapOf(context);
  const { outBy, weightBy, ...rest } = known;
  const isRefused = command.in === true ? outBy !== by : !known.in;
  if (by !== undefined && isRefused) return { type: "epoch", epoch };
  const row: DeviceRow = {
    ...rest,
    ...weighed(context, known, weight),
    in: command.in ?? known.in,
    ...(by !== undefined && command.in === false && { outBy: by }),
    ...(command.in === undefined && outBy !== undefined && { outBy }),
  };
  return put(context, key, row) ? raiseEpoch(context, {}) : { type: "epoch", epoch };
}

/** What an operator said stays until it is taken back (null): then the capacity weighs again. */
function weighed(
  { level }: ApplyContext,
  { weight, weightBy, capacityBytes }: DeviceRow,
  said: number | null | undefined,
): Pick<DeviceRow, "weight" | "weightBy"> {
  if (said === null) return { weight: weightOf(capacityBytes) };
  if (said !== undefined) return { weight: said, ...(level >= 2 && { weightBy: "operator" }) };
  return { weight, ...(weightBy !== undefined && { weightBy }) };
}

export const mapOf = ({ rows }: ApplyContext): MapRow => rows.get(keys.map()) ?? empty;

/** The map is another one now. */
export function raiseEpoch(
  context: ApplyContext,
  change: Partial<MapRow>,
): Extract<CommandResult, { type: "epoch" }> {
  const before = mapOf(context);
  const epoch = before.epoch + 1;
  context.rows.put(keys.map(), { ...before, ...change, epoch });
  return { type: "epoch", epoch };
}

/** True when it was another row. */
function put<Row>({ rows }: ApplyContext, key: RowKey<Row>, row: Row): boolean {
  if (isDeepStrictEqual(rows.get(key), row)) return false;
  rows.put(key, row);
  return true;
}

/**
 * A weight stays as it is until the capacity is quite another (some file systems tell one that moves a
 * little all the time), and for good when an operator said it.
 */
function placed(
  { level }: ApplyContext,
  { capacityBytes: offeredBytes, class: kind, path }: OfferedDevice,
  known: DeviceRow | undefined,
): Omit<DeviceRow, "number" | "server" | "place"> {
  const knownBytes = known?.capacityBytes ?? offeredBytes;
  const isSame =
    Math.abs(offeredBytes - knownBytes) <= (level < 2 ? 0 : knownBytes * SAME_CAPACITY);
  const capacityBytes = isSame ? knownBytes : offeredBytes;
  const isKept = isSame || known?.weightBy !== undefined;
  return {
    capacityBytes,
    weight: isKept && known !== undefined ? known.weight : weightOf(capacityBytes),
    ...(known?.weightBy !== undefined && { weightBy: known.weightBy }),
    ...(kind !== undefined && { class: kind }),
    in: known?.in ?? true,
    ...(path !== undefined && { path }),
    ...(known?.outBy !== undefined && { outBy: known.outBy }),
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

export const isName = (name: string): boolean => NAME.test(name);

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
  for (const { device, capacityBytes, class: kind, path = "" } of devices) {
    demand(UUID.test(device), "a device has a UUID");
    demand(Number.isSafeInteger(capacityBytes) && capacityBytes >= 0, "a capacity is in bytes");
    demand(kind === undefined || NAME.test(kind), `${kind} is no name of a class`);
    demand(path.length <= PATH_CHARACTERS, "the path of a device is too long");
  }
}

export function demand(holds: boolean, message: string): void {
  if (!holds) throw new QuarryError("InvalidArgument", message);
}
