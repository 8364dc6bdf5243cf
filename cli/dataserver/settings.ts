/** What `quarry dataserver` was asked to do. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Address, parseAddress } from "../../rpc/address.ts";
import type { Location } from "../../rpc/cluster-map.ts";
import { formatBytes } from "../objects/printable.ts";
import type { PeerFlags } from "../peers.ts";
import { hostLocation, parseLocation } from "./location.ts";

export interface DataserverFlags extends PeerFlags {
  readonly data: string[];
  readonly listen: string;
  readonly address?: string;
  readonly location?: string;
  readonly class?: string;
  /** Bytes. */
  readonly capacity?: number;
  readonly fromServe?: boolean;
  readonly scrub: string;
  readonly firstScrub?: string;
  /** Seconds. */
  readonly scrubEvery?: number;
}

export interface DataserverSettings {
  /** Absolute; the first also says which dataserver this is. */
  readonly directories: readonly string[];
  readonly listen: Address;
  /** Where others reach it, when that is not where it listens. */
  readonly address?: string;
  readonly location: Location;
  readonly class?: string;
  /** Of each disk, at most; absent: all of it. */
  readonly capacityBytes?: number;
  readonly fromServe: boolean;
  readonly scrubBytesPerSecond: number;
  readonly firstScrubBytesPerSecond: number;
  /** So long a block is not read again. */
  readonly scrubRestMs: number;
}

const ANYWHERE: readonly string[] = ["0.0.0.0", "::"];

export function dataserverSettings(flags: DataserverFlags): DataserverSettings {
  const listen = parseAddress(flags.listen);
  if ("path" in listen) throw wrong(`--listen is host:port, not ${flags.listen}`);
  if (ANYWHERE.includes(listen.host) && flags.address === undefined)
    throw wrong(`with --listen ${flags.listen} say where others reach it: --address host:port`);
  if (flags.address !== undefined) parseAddress(flags.address);
  return {
    directories: directoriesFrom(flags.data),
    listen,
    ...(flags.address !== undefined && { address: flags.address }),
    location:
      flags.location === undefined ? hostLocation(hostname()) : parseLocation(flags.location),
    ...(flags.class !== undefined && { class: flags.class }),
    ...(flags.capacity !== undefined && { capacityBytes: checkedCapacity(flags.capacity) }),
    fromServe: flags.fromServe === true,
    scrubBytesPerSecond: paceOf("--scrub", flags.scrub),
    scrubRestMs: flags.scrubEvery === undefined ? limits.scrubRestMs : flags.scrubEvery * 1000,
    firstScrubBytesPerSecond:
      flags.firstScrub === undefined
        ? limits.firstScrubBytesPerSecond
        : paceOf("--first-scrub", flags.firstScrub),
  };
}

function paceOf(flag: string, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw wrong(`${flag} is in MiB/s, not ${text}`);
  return Number(text) * 1024 * 1024;
}

/** @throws QuarryError `InvalidArgument` for what would be full when it is empty. */
export function checkedCapacity(bytes: number): number {
  const leastBytes = 2 * limits.deviceReserveBytes;
  if (bytes < leastBytes)
    throw wrong(
      `a disk has at least ${formatBytes(leastBytes)} (${formatBytes(limits.deviceReserveBytes)} are kept free), not ${formatBytes(bytes)}`,
    );
  return bytes;
}

function directoriesFrom(named: readonly string[]): string[] {
  // An unset shell variable must not make the current folder a data folder.
  if (named.includes("")) throw wrong("--data needs a folder, and was given an empty name");
  const directories = named.map((directory) => resolve(directory));
  const twice = directories.find((one, i) => directories.indexOf(one) !== i);
  if (twice !== undefined) throw wrong(`--data names ${twice} twice; name each folder once`);
  return directories;
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);
