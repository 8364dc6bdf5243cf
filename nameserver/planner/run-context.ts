/** What the work on one block is done with. Everything in it is of the term in which it was decided. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type {
  BlockAddress,
  BlockService,
  NeedleEntry,
  RetireOrder,
} from "../../rpc/block-service.ts";
import type { AnyCommand } from "../command.ts";
import type { BlockRow } from "../rows.ts";
import type { Stock } from "../stock/stock.ts";
import type { Claim } from "./reconcile-judge.ts";
import type { Source } from "./view.ts";

export interface RunContext {
  /** Orders carry the term. */
  readonly orders: BlockService;
  readonly stock: Stock;
  /** Refused when this nameserver does not lead in that term any more. */
  propose(command: AnyCommand): Promise<void>;
  /** Resolves when this nameserver still leads, and has applied what was acknowledged before. */
  confirmLeading(): Promise<void>;
  rowOf(block: BlockId): BlockRow | undefined;
  /** The last generation of a block that was removed; 0: none was. */
  removedAt(block: BlockId): number;
  /** Throws when something of a removed block is needed still (forgotten.ts). */
  checkForgotten(address: BlockAddress): Promise<void>;
  /** What the metadata say of a needle by its owner. */
  claimOf(block: BlockId, owner: NeedleEntry | undefined): Claim;
  /** The metadata were brought back from a copy: what they do not name may be newer than they are. */
  keepsOrphans(): boolean;
  /** Who can hand out pieces of a block now. */
  sourcesOf(block: BlockId): readonly Source[];
  /** Hands an open block out no more, and seals it. */
  seal(block: BlockId, generation: number): Promise<void>;
  /** Removes what a device holds of a block whose member it is not. */
  retire(order: RetireOrder): Promise<void>;
  /** Such an order was not answered: what the device has of the block may go at any time. */
  isRetiring(block: BlockId, device: DeviceId): boolean;
  /** Whether the block, as it is now, still needs this. */
  isNeeded(): boolean;
  /** Bytes a second for one order; undefined: as fast as it goes. */
  readonly pace: number | undefined;
  /** Told of what was read and written. */
  moved(bytes: number): void;
  readonly report: (message: string) => void;
}
