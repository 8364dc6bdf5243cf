/** What can happen to a node. */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import type { Members } from "./configuration.ts";
import type { Message, Piece } from "./message.ts";
import type { Proposal } from "./outputs.ts";

/** Time comes with every step, so that no decision rests on a timer that fired late. */
export interface Now {
  /** Of a clock that never jumps; any start. */
  readonly steadyMs: number;
  /** Since 1970; goes into the entries of a leader. */
  readonly wallMs: number;
}

export type Input =
  /** Time has passed: wanted a few times in each heartbeat interval. */
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly message: Message }
  /** The write of this sequence and all before it are durable. */
  | { readonly type: "persisted"; readonly sequence: number }
  /** `within`: only as the leader of this term, and never passed on to another. */
  | { readonly type: "propose"; readonly proposal: Proposal; readonly within?: Term | undefined }
  /** Asks for an index to read at. `id` is the owner's, not used again while unanswered. */
  | { readonly type: "read"; readonly id: number }
  /** Changes the members; only a leader can. Answered like a proposal. */
  | { readonly type: "change"; readonly id: number; readonly members: Members }
  /** Hands leadership over; only a leader can. */
  | { readonly type: "transfer"; readonly to: NodeId }
  /** Stand for election now rather than after a timeout (not while a leader is heard). */
  | { readonly type: "campaign" }
  /** The state is durable up to `index`: entries up to it may be forgotten. */
  | { readonly type: "compact"; readonly index: LogIndex }
  /** The connection to a node broke: what was under way may be lost. */
  | { readonly type: "unreachable"; readonly node: NodeId }
  /** Answer to the task `read`; without a piece there is none now. */
  | { readonly type: "snapshotPiece"; readonly to: NodeId; readonly piece: Piece | undefined }
  | { readonly type: "snapshotStored"; readonly id: number }
  | { readonly type: "snapshotInstalled"; readonly id: number }
  | { readonly type: "snapshotFailed"; readonly id: number };
