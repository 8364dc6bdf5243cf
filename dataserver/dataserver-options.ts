/** What a dataserver is opened with. */
import type { Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { Random } from "../base/random.ts";
import type { Peer } from "./rebuild/sources.ts";
import type { Report } from "./report.ts";

export interface DataserverOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** One for each device; made when absent. */
  readonly directories: readonly string[];
  /** When appends and removals are answered. Default `commit`: when they are on the disk. */
  readonly durability?: Durability;
  /** Room that each device keeps free. Default `limits.deviceReserveBytes`. */
  readonly reserveBytes?: number;
  /** Default `limits.blockBytes`. */
  readonly blockBytes?: number;
  /** Zeros written ahead of the tail of open blocks. Default `limits.extendBytes`. */
  readonly extendBytes?: number;
  /** Handles kept open for reading. Default `limits.openFiles`. */
  readonly maxOpenFiles?: number;
  /** Which dataserver this is, and where it stands. Default: one that knows no others. */
  readonly opener?: string;
  /** The way to another dataserver, host:port. Default: there is none. */
  readonly peerOf?: (address: string) => Peer;
  /** Told of everything that was found and mended. */
  readonly report?: Report;
}
