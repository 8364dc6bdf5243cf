/**
 * The servers of a whole store in one process: the same nameserver and dataserver as `quarry serve`
 * runs, bound to each other without sockets.
 */
import { join, resolve } from "node:path";
import type { Durability } from "../base/append-file.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { QuarryError } from "../base/errors.ts";
import { readIdentity } from "../base/identity.ts";
import { limits } from "../base/limits.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { startScrubbing } from "../dataserver/scrubbing.ts";
import { type CopySettings, defaultCopies } from "../nameserver/copies/copies.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import type { Location } from "../rpc/cluster-map.ts";
import { createClient } from "./client.ts";
import { attendOwnDevices } from "./own-devices.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** Data directories. The first also holds the metadata. */
  readonly directories: readonly string[];
  /** When a write is answered; `commit` (default) is once it is on the disk. */
  readonly durability?: Durability;
  /** How long deleted objects can be brought back. Default one hour. */
  readonly holdMs?: number;
  /** Bytes that are re-read and checked in a second, in rounds a day apart. 0: never. Default 8 MiB. */
  readonly scrubBytesPerSecond?: number;
  /** So long a block is not read again. Default a day. */
  readonly scrubRestMs?: number;
  /** … of what is new, or could have been hurt since it was read. Default 32 MiB. */
  readonly firstScrubBytesPerSecond?: number;
  /** Copies of the metadata in blocks; default: as `defaultCopies` says. */
  readonly copies?: CopySettings | "none";
  /** Begins nothing that an earlier version would not understand. */
  readonly holdLevel?: boolean;
  /** Where it stands, should other dataservers join it one day. */
  readonly location?: Location;
  /** Told of what was found and mended, for a log. */
  readonly report?: (message: string) => void;
  readonly disk?: Disk;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The servers of one machine, before a client is put in front. */
export interface Servers extends AsyncDisposable {
  readonly nameserver: Nameserver;
  readonly dataserver: Dataserver;
}

/** Opens or creates the metadata and the devices. Throws `Locked` when another server has them. */
export async function openServers(options: StoreOptions): Promise<Servers> {
  const [first] = options.directories;
  if (first === undefined) throw new TypeError("a store needs at least one directory");
  const shared = {
    disk: options.disk ?? nodeDisk,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    durability: options.durability ?? "commit",
    report: options.report ?? (() => undefined),
  };
  for (const directory of options.directories) await refuseOthers(shared.disk, directory);
  const dataserver = await openDataserver({
    ...shared,
    report: ({ kind, path, message }) => shared.report(`${kind}: ${path}: ${message}`),
    directories: options.directories.map((directory) => resolve(directory, "device")),
  });
  try {
    await using opening = new AsyncDisposableStack();
    const nameserver = opening.use(
      await openNameserver({
        ...shared,
        directory: join(first, "nameserver"),
        blocks: dataserver,
        ...(options.holdLevel !== undefined && { holdLevel: options.holdLevel }),
        ...(options.holdMs !== undefined && { holdMs: options.holdMs }),
        ...(options.copies !== "none" && { copies: options.copies ?? defaultCopies }),
      }),
    );
    const { location = { host: "local" } } = options;
    const own = { nameserver, dataserver, location, ...shared };
    const attendance = opening.use(await attendOwnDevices(own));
    opening.move();
    const scrubbing = startScrubbing(dataserver, {
      clock: shared.clock,
      bytesPerSecond: options.scrubBytesPerSecond ?? limits.scrubBytesPerSecond,
      ...(options.firstScrubBytesPerSecond !== undefined && {
        firstBytesPerSecond: options.firstScrubBytesPerSecond,
      }),
      restMs: options.scrubRestMs ?? limits.scrubRestMs,
      report: shared.report,
    });
    return {
      nameserver,
      dataserver,
      async [Symbol.asyncDispose]() {
        await scrubbing[Symbol.asyncDispose]();
        await attendance[Symbol.asyncDispose]();
        await nameserver[Symbol.asyncDispose]();
        await dataserver[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await dataserver[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * What a store puts into the folder of one server of a cluster (a nameserver, a dataserver, a device)
 * would make it useless to that server.
 */
async function refuseOthers(disk: Disk, directory: string): Promise<void> {
  const identity = await readIdentity(disk, directory);
  if (identity !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is the data of a ${identity.kind}, not of a whole store; choose another folder`,
    );
}

/** Opens or creates a store in a directory (or several) and gives a client of it, as faces use it. */
export async function openClient(options: StoreOptions | string): Promise<Store> {
  const full = typeof options === "string" ? { directories: [options] } : options;
  const servers = await openServers(full);
  return createClient({
    names: servers.nameserver,
    serviceOf: () => servers.dataserver,
    clock: full.clock ?? systemClock,
    random: full.random ?? systemRandom,
    onClose: async () => {
      await servers[Symbol.asyncDispose]();
    },
  });
}
