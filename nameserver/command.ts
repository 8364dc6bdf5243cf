/**
 * All commands of the log: those of clients (rpc/commands.ts) and those that the nameserver gives
 * itself. Each names what it touches, so that `apply` needs no scan and a command that comes too
 * late finds nothing to do.
 */
import { Packr } from "msgpackr";
import { QuarryError } from "../base/errors.ts";
import type { BlobId, BlockId, DeviceId, LogIndex, NodeId, SessionId } from "../base/ids.ts";
import type { Command, CommandResult } from "../rpc/commands.ts";
import type { BlockMembers } from "../rpc/name-service.ts";
import type { Chunk } from "../rpc/objects.ts";
import type { BlockLayout, PoolScheme } from "../rpc/pool.ts";
import type { Encoding } from "../rpc/stripe-service.ts";
import type { CopyKind } from "./copies/copy-blobs.ts";

export type SystemCommand =
  | { readonly type: "configure"; readonly holdMs: number; readonly pendingMs: number }
  | { readonly type: "leaseBlobs"; readonly count: number }
  | {
      readonly type: "addBlock";
      readonly block: BlockId;
      readonly generation: number;
      readonly pool: number;
      /** Absent: 1+0. */
      readonly scheme?: PoolScheme;
      readonly members: BlockMembers;
    }
  /** Made on devices, but never added: from now on this generation cannot be. */
  | { readonly type: "abandonBlock"; readonly block: BlockId; readonly generation: number }
  | { readonly type: "sealBlock"; readonly block: BlockId; readonly generation: number }
  /** Refused until the block was sealed for `afterMs` of log time. */
  | {
      readonly type: "settleBlock";
      readonly block: BlockId;
      readonly generation: number;
      readonly afterMs: number;
    }
  /** Every needle of the settled block was looked up, the orphans are gone. */
  | { readonly type: "sweptBlock"; readonly block: BlockId; readonly generation: number }
  | {
      readonly type: "setGeneration";
      readonly block: BlockId;
      readonly from: number;
      readonly to: number;
    }
  | { readonly type: "removeBlock"; readonly block: BlockId; readonly generation: number }
  /**
   * The member at a position is another now; null is a hole. Refused for an open block, and with
   * `Changed` when it was not `from`.
   */
  | {
      readonly type: "moveMember";
      readonly block: BlockId;
      readonly generation: number;
      readonly position: number;
      readonly from: DeviceId | null;
      readonly to: DeviceId | null;
    }
  /** Another number of whole copies (k = 1); `members`: who of those that there are stays, and where. */
  | {
      readonly type: "setScheme";
      readonly block: BlockId;
      readonly generation: number;
      readonly from: PoolScheme;
      readonly to: PoolScheme;
      readonly members: BlockMembers;
    }
  /** A settled block goes on as a generation that was written anew (`StripeService.convert`). */
  | {
      readonly type: "convertBlock";
      readonly block: BlockId;
      readonly from: number;
      readonly to: number;
      readonly scheme: PoolScheme;
      readonly layout: BlockLayout;
      readonly encoding: Encoding;
      readonly members: BlockMembers;
    }
  /** Nothing of the generation before is needed any more. */
  | { readonly type: "convertedBlock"; readonly block: BlockId; readonly generation: number }
  | {
      readonly type: "expirePending";
      readonly items: readonly { readonly untilMs: number; readonly blob: BlobId }[];
    }
  | {
      readonly type: "expireTrash";
      readonly items: readonly { readonly dueMs: number; readonly sequence: number }[];
    }
  /** Chunks from `keep` on of each blob are gone from every member. */
  | {
      readonly type: "collected";
      readonly items: readonly {
        readonly queued: number;
        readonly blob: BlobId;
        readonly keep: number;
      }[];
    }
  | {
      readonly type: "dropParts";
      readonly queued: number;
      readonly parts: readonly number[];
      /** No part is left behind these. */
      readonly last: boolean;
    }
  /** Drops the last page of a content that nothing holds. */
  | { readonly type: "dropContentPage"; readonly queued: number; readonly page: number }
  /** All members of the group know this level. */
  | { readonly type: "raiseLevel"; readonly level: number }
  | { readonly type: "openSession" }
  | { readonly type: "closeSession"; readonly session: SessionId }
  /** Those of them that are over are cleared away, at most `limits.sessionsCleared`. */
  | { readonly type: "clearSessions"; readonly sessions: readonly SessionId[] }
  /** Registers chunks of a copy of the metadata that is being written. */
  | {
      readonly type: "addCopyChunks";
      readonly kind: CopyKind;
      readonly index: LogIndex;
      readonly first: number;
      readonly chunks: readonly Chunk[];
    }
  /** The copy is whole: a snapshot as of entry `index`, or the entries from `index` to `last`. */
  | {
      readonly type: "keepCopy";
      readonly kind: CopyKind;
      readonly index: LogIndex;
      readonly last: LogIndex;
      readonly lengthBytes: number;
      readonly registered: number;
      readonly chunks: readonly Chunk[];
    }
  | {
      readonly type: "dropCopies";
      readonly copies: readonly { readonly kind: CopyKind; readonly index: LogIndex }[];
    }
  /** The state was brought back from a copy. */
  | { readonly type: "recovered"; readonly skipBlobs: number; readonly keepOrphansMs: number }
  /** A device holds this block, perhaps at a generation that the state has not heard of. */
  | {
      readonly type: "foundBlock";
      readonly block: BlockId;
      readonly generation: number;
      readonly sealed: boolean;
      /** Absent: 1+0. */
      readonly scheme?: PoolScheme;
      /** Absent: as the scheme says. */
      readonly layout?: BlockLayout;
      readonly encoding?: Encoding;
      readonly members: BlockMembers;
    };

export type MemberCommand =
  /** The founders' addresses; only the first of these counts. */
  | {
      readonly type: "foundMembers";
      readonly members: readonly { readonly node: NodeId; readonly address: string }[];
    }
  /** Gives a number to a nameserver that is to come; the same again to the folder of this token. */
  | {
      readonly type: "admitMember";
      readonly address: string;
      readonly role: "voter" | "learner";
      readonly token?: string;
      readonly replaces?: NodeId;
    }
  /** Says what a member shall be, or where it is. */
  | {
      readonly type: "setMember";
      readonly node: NodeId;
      readonly role?: "voter" | "learner" | "leaving";
      readonly address?: string;
    }
  /** It left the configuration of the group. */
  | { readonly type: "forgetMember"; readonly node: NodeId };

export type AnyCommand = Command | SystemCommand | MemberCommand;

export type AnyResult =
  | CommandResult
  | { readonly type: "lease"; readonly first: BlobId }
  | { readonly type: "session"; readonly session: SessionId }
  | { readonly type: "member"; readonly node: NodeId };

const packr = new Packr({ useRecords: false, variableMapSize: true });

export function encodeCommand(command: AnyCommand): Buffer {
  return packr.pack(command);
}

/** @throws QuarryError `InvalidArgument` when the bytes, which are those that were proposed, are no command. */
export function decodeCommand(bytes: Uint8Array): AnyCommand {
  try {
    return packr.unpack(bytes) as AnyCommand;
  } catch (error) {
    throw new QuarryError("InvalidArgument", "this is no command", { cause: error });
  }
}
