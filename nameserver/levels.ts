/**
 * Versions side by side in one group: each member has to make the same of every entry (INV-6), so what
 * an earlier version does not know is not proposed before all members know it. The state says from
 * which entry on that is so: its level, raised by command, never lowered.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { FIRST_LEVEL, LEVEL, SOFTWARE_VERSION } from "../base/version.ts";
import { type AnyCommand, encodeCommand } from "./command.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";
import type { StateReads } from "./state-store.ts";

export const levelOf = (state: StateReads): number =>
  read(state, keys.level())?.level ?? FIRST_LEVEL;

/** @throws QuarryError `NewerFormat` when the state is of a later version. */
export function checkLevel(state: StateReads): void {
  const level = levelOf(state);
  if (level > LEVEL) throw tooOld(level);
}

export const tooOld = (level: number) =>
  new QuarryError(
    "NewerFormat",
    `the nameservers of this group have all been updated, to level ${level}; version ${SOFTWARE_VERSION} knows levels up to ${LEVEL}: install the version that the others run`,
  );

/** Commands that came with level 2. */
const second: ReadonlySet<string> = new Set([
  "moveMember",
  "setScheme",
  "convertBlock",
  "convertedBlock",
  "setHealing",
  "removeDevice",
  "removeDataserver",
]);

/** From this level on there are streams. */
export const STREAMS = 3;

/** Commands that came with level 3. */
const third: ReadonlySet<string> = new Set(["spliceObject"]);

/** What could be said of a pool before. */
const firstSettings: ReadonlySet<string> = new Set([
  "scheme",
  "minMembers",
  "failureDomain",
  "deviceClass",
  "pgNum",
]);

/** The level from which on a command is understood, with all that it says. */
function needed(command: AnyCommand): number {
  switch (command.type) {
    case "registerDataserver":
      return command.devices.some(({ path }) => path !== undefined) ? 2 : FIRST_LEVEL;
    case "changeDevice":
      return command.by !== undefined || command.weight === null ? 2 : FIRST_LEVEL;
    case "createPool":
      return settingsNeed(command.settings);
    case "changePool":
      return settingsNeed(command.change);
    case "putObject":
      if (command.list !== undefined) return 3;
      return command.attributes.stream === undefined ? FIRST_LEVEL : STREAMS;
    case "createUpload":
      return command.attributes.stream === undefined ? FIRST_LEVEL : STREAMS;
    case "describeObject":
      if (command.merge !== undefined || command.change.userMetadata !== undefined) return 3;
      return command.change.stream === undefined ? FIRST_LEVEL : STREAMS;
    case "copyObject":
      if (command.list !== undefined) return 3;
      return command.change.stream === undefined ? FIRST_LEVEL : STREAMS;
    default:
      if (third.has(command.type)) return 3;
      return second.has(command.type) ? 2 : FIRST_LEVEL;
  }
}

const settingsNeed = (settings: object) =>
  Object.keys(settings).every((name) => firstSettings.has(name)) ? FIRST_LEVEL : 2;

export const isUnderstood = (state: StateReads, command: AnyCommand): boolean =>
  needed(command) === FIRST_LEVEL || levelOf(state) >= needed(command);

/**
 * A command as it is proposed. @throws QuarryError `NotImplemented` for what a member of the group does
 * not know yet, `TooLarge`.
 */
export function encodeFor(state: StateReads, command: AnyCommand): Buffer {
  const data = encodeCommand(isUnderstood(state, command) ? command : asBefore(command));
  if (data.length > limits.commandBytes)
    throw new QuarryError("TooLarge", `a command has at most ${limits.commandBytes} bytes`);
  return data;
}

/** Without what can be left away. */
function asBefore(command: AnyCommand): AnyCommand {
  if (command.type === "registerDataserver")
    return { ...command, devices: command.devices.map(({ path: _, ...device }) => device) };
  throw new QuarryError(
    "NotImplemented",
    `${command.type} cannot be done, or not as asked, while a nameserver of the group runs an earlier version, or is away and cannot say: see quarry admin nameserver status, then try again`,
  );
}
