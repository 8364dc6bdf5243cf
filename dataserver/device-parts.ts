/** What a device is given, and what its start finds in its directory. */
import type { Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import type { BlockStatus } from "../rpc/block-service.ts";
import type { Block, BlockHome } from "./block.ts";
import type { Checks } from "./checks.ts";
import type { FileCache } from "./file-cache.ts";
import type { FreeSpace } from "./free-space.ts";
import type { News } from "./news.ts";
import type { Report } from "./report.ts";
import type { TermFile } from "./term-file.ts";

export interface DeviceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileCache;
  readonly directory: string;
  readonly durability: Durability;
  readonly reserveBytes: number;
  readonly blockBytes: number;
  readonly extendBytes: number;
  readonly report: Report;
  /** Which dataserver opens it, and where that stands. Another than before: all is read again. */
  readonly opener: string;
}

export interface DeviceParts {
  readonly id: DeviceId;
  readonly lock: AsyncDisposable;
  readonly space: FreeSpace;
  readonly blocks: Map<BlockId, Block>;
  /** Blocks whose superblock is lost. */
  readonly unreadable: Map<BlockId, BlockStatus>;
  readonly home: BlockHome;
  /** Why the device takes no appends, once it has failed. */
  readonly failure: { reason?: QuarryError };
  /** The highest term that gave an order. */
  readonly term: TermFile;
  readonly news: News;
  readonly checks: Checks;
}
