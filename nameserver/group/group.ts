/**
 * The seam where replication goes: commands are proposed to a group of nameservers and answered
 * when a majority has them and they are applied. Nothing above knows how many there are.
 */
import type { QuarryError } from "../../base/errors.ts";
import type { LogIndex, SessionId, Term } from "../../base/ids.ts";
import type { Once } from "../../rpc/commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import type { Digest } from "../row-codec.ts";
import type { RangeCursor, StateReads, StateStore } from "../state-store.ts";

/** The applied state, for queries. */
export type StateReader = StateReads;

/** Without a session a command is applied as often as it is proposed. */
export const NOT_ONCE: Once = { session: 0 as SessionId, sequence: 0 };

export interface Group extends AsyncDisposable {
  /**
   * Resolves with the command's result when it is durable and applied; rejects with its refusal.
   * `once`: however often it is proposed under this number, it is applied once. `within`: only as the
   * leader of this term. What a leader decided must not be passed on to the next one, which may be at
   * the same already: it would come in between.
   */
  propose(command: AnyCommand, once?: Once, within?: Term): Promise<AnyResult>;
  /** When it resolves, `state` shows every command acknowledged before the call (INV-5). */
  readBarrier(): Promise<void>;
  readonly state: StateReader & Pick<StateStore, "snapshot">;
  /** Time of the last applied entry: the clock of holds and expiries. */
  readonly timeMs: number;
  readonly applied: LogIndex;
  readonly digest: Digest;
  /** Resolves when the group takes no more changes: this server's process is of no use any more. */
  readonly failed: Promise<QuarryError>;
  /** Goes up with every change of leader. */
  readonly term: Term;
  /** Only the leader gives itself work. */
  readonly isLeader: boolean;
}

export type { RangeCursor };
