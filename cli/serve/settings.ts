/** What `quarry serve` was asked to do. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Durability } from "../../base/append-file.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type CopySettings, defaultCopies } from "../../nameserver/copies/copies.ts";
import type { FaceSettings } from "./face.ts";
import { type FaceFlags, facesFrom } from "./more-faces.ts";

export interface ServeSettings extends FaceSettings {
  /** Absolute; the first also holds the metadata and the credentials. */
  readonly directories: readonly string[];
  readonly durability: Durability;
  readonly holdMs: number;
  /** Gateway processes; 0 keeps everything in one process. */
  readonly gateways: number;
  readonly scrubBytesPerSecond: number;
  readonly firstScrubBytesPerSecond: number;
  /** So long a block is not read again. */
  readonly scrubRestMs: number;
  readonly copies: CopySettings | "none";
  readonly logLevel: string;
  /** A file of users that exist from the start on. */
  readonly usersFile?: string;
}

export interface ServeFlags extends FaceFlags {
  readonly data?: string[];
  readonly host: string;
  readonly port: string;
  readonly region: string;
  readonly domain?: string;
  readonly durability: string;
  readonly hold: string;
  readonly scrub: string;
  readonly firstScrub?: string;
  /** Seconds. */
  readonly scrubEvery?: number;
  readonly metadataLog?: string;
  readonly metadataSnapshot?: string;
  readonly gateways?: string;
  readonly singleProcess?: boolean;
  readonly logLevel: string;
  readonly users?: string;
}

const DURABILITIES: readonly string[] = ["commit", "interval", "none"] satisfies Durability[];
const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"];
const MAX_GATEWAYS = 64;

export function settingsFrom(flags: ServeFlags): ServeSettings {
  return {
    directories: directoriesOf(flags.data ?? ["data"]),
    host: flags.host,
    port: portFrom(flags.port),
    region: flags.region,
    ...(flags.domain !== undefined && { domain: flags.domain }),
    durability: oneOf("--durability", flags.durability, DURABILITIES) as Durability,
    holdMs: whole("--hold", flags.hold, 0, 365 * 86_400) * 1000,
    scrubBytesPerSecond: whole("--scrub", flags.scrub, 0, 100_000) * 1024 * 1024,
    scrubRestMs: flags.scrubEvery === undefined ? limits.scrubRestMs : flags.scrubEvery * 1000,
    firstScrubBytesPerSecond:
      whole("--first-scrub", flags.firstScrub ?? "32", 1, 100_000) * 1024 * 1024,
    copies: copiesOf(flags),
    gateways: gatewaysOf(flags),
    faces: facesFrom(flags),
    ...(flags.users !== undefined && { usersFile: flags.users }),
    logLevel: logLevelFrom(flags.logLevel),
  };
}

export const portFrom = (text: string) => whole("--port", text, 0, 65_535);
export const logLevelFrom = (text: string) => oneOf("--log-level", text, LOG_LEVELS);

function directoriesOf(named: readonly string[]): string[] {
  // An unset shell variable must not make the current folder a data folder.
  if (named.includes(""))
    throw new QuarryError("InvalidArgument", "--data needs a folder, and was given an empty name");
  const directories = named.map((directory) => resolve(directory));
  const twice = directories.find((one, i) => directories.indexOf(one) !== i);
  if (twice !== undefined)
    throw new QuarryError("InvalidArgument", `--data names ${twice} twice; name each folder once`);
  return directories;
}

function copiesOf({ metadataLog, metadataSnapshot }: ServeFlags): CopySettings | "none" {
  const { logMs, snapshotMs } = defaultCopies;
  const seconds =
    metadataLog === undefined ? logMs / 1000 : whole("--metadata-log", metadataLog, 0, 86_400);
  const minutes =
    metadataSnapshot === undefined
      ? snapshotMs / 60_000
      : whole("--metadata-snapshot", metadataSnapshot, 1, 44_640);
  if (seconds === 0) return "none";
  return { ...defaultCopies, logMs: seconds * 1000, snapshotMs: minutes * 60_000 };
}

function gatewaysOf(flags: ServeFlags): number {
  if (flags.singleProcess === true) return 0;
  if (flags.gateways !== undefined) return whole("--gateways", flags.gateways, 1, MAX_GATEWAYS);
  // On two cores one process does most; from three on, one core is kept for metadata and blocks
  // (docs/performance.md has the measurement).
  const cores = availableParallelism();
  return cores <= 2 ? 0 : Math.min(cores - 1, MAX_GATEWAYS);
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < least || value > most)
    throw new QuarryError(
      "InvalidArgument",
      `${flag} is a whole number from ${least} to ${most}, not ${text || "empty"}`,
    );
  return value;
}

function oneOf(flag: string, text: string, allowed: readonly string[]): string {
  if (!allowed.includes(text))
    throw new QuarryError("InvalidArgument", `${flag} is ${allowed.join(" or ")}, not ${text}`);
  return text;
}
