/**
 * A follower receives a state piece by piece, beside its own, and goes over to it when it is whole.
 * Until then its log stays as it is, and so does everything that it promised.
 */
import { assert } from "../base/errors.ts";
import { type Core, commitTo, send } from "./core.ts";
import type { StateHead } from "./entry.ts";
import { hearLeader } from "./follower.ts";
import type { MessageOf, Piece } from "./message.ts";

export interface Receiving {
  readonly id: number;
  readonly head: StateHead;
  /** Everything before is stored. */
  offset: number;
  /** The owner writes the piece at `offset`. */
  storing: Piece | undefined;
  /** It was the last one: the owner puts the snapshot in the place of the state. */
  installing: boolean;
}

export function handleSnapshotPiece(core: Core, message: MessageOf<"snapshotPiece">): void {
  hearLeader(core, message);
  const { piece } = message;
  if (core.receiving?.installing === true) return;
  if (has(core, piece.head)) {
    discard(core);
    // What it would bring is here: the leader may go on behind it.
    if (piece.head.index > core.verified) core.verified = piece.head.index;
    commitTo(core, piece.head.index);
    core.acknowledgementDue = true;
    return;
  }
  if (core.receiving?.id !== piece.id) {
    discard(core);
    const { id, head } = piece;
    core.receiving = { id, head, offset: 0, storing: undefined, installing: false };
  }
  const { receiving } = core;
  if (receiving.storing !== undefined) return;
  if (piece.offset !== receiving.offset) {
    answer(core, receiving);
    return;
  }
  receiving.storing = piece;
  receiving.installing = piece.last;
  core.outbox.snapshots.push({ type: piece.last ? "install" : "store", piece });
}

/** The log holds all that the snapshot contains, and agrees with it. */
function has(core: Core, head: StateHead): boolean {
  return head.index <= core.commit || core.log.termAt(head.index) === head.term;
}

/** The owner has written a piece that is not the last. */
export function pieceStored(core: Core, id: number): void {
  const { receiving } = core;
  if (receiving?.id !== id || receiving.storing === undefined) return;
  receiving.offset += receiving.storing.bytes.length;
  receiving.storing = undefined;
  answer(core, receiving);
}

/** The owner could not store a piece, or the whole is not right: from the beginning. */
export function snapshotFailed(core: Core, id: number): void {
  const { receiving } = core;
  if (receiving?.id !== id) return;
  receiving.offset = 0;
  receiving.storing = undefined;
  receiving.installing = false;
  answer(core, receiving);
}

/** The state is the snapshot's, durably; the log goes on behind it. */
export function snapshotInstalled(core: Core, id: number): void {
  const { receiving } = core;
  assert(receiving?.id === id && receiving.installing, "what is installed was asked for");
  const { head } = receiving;
  core.receiving = undefined;
  assert(head.index > core.commit, "a state is only replaced by a later one");
  core.log.reset(head);
  core.configurations.reset(head);
  core.persistence.stageReset(head);
  core.commit = head.index;
  core.handedOut = head.index;
  core.verified = head.index;
  core.acknowledgementDue = true;
}

function answer(core: Core, { id, offset }: Receiving): void {
  if (core.role.kind !== "follower") return;
  send(core, core.role.leader, { type: "snapshotReply", id, offset });
}

function discard(core: Core): void {
  if (core.receiving === undefined) return;
  core.outbox.snapshots.push({ type: "discard", id: core.receiving.id });
  core.receiving = undefined;
}
