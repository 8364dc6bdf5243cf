/** A leader sends its state, piece after piece, to a member that needs entries which were cut off. */
import { assert } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { type Core, send } from "./core.ts";
import { peerOf } from "./leader-log.ts";
import type { MessageOf, Piece } from "./message.ts";
import type { Progress, SnapshotSending } from "./progress.ts";

/** For a member that is silent for so many election timeouts no state is kept at rest. */
const PATIENCE = 30;

/** Asks the owner for the piece that is due; also again, when it seems lost. */
export function askForPiece(core: Core, to: NodeId, peer: Progress): void {
  const { snapshot } = peer;
  if (snapshot === undefined || core.now.steadyMs < snapshot.retryMs) return;
  const silentMs = core.now.steadyMs - peer.contactMs;
  if (silentMs < PATIENCE * core.settings.electionMs) ask(core, to, snapshot);
  else if (snapshot.id !== undefined) {
    // When it is heard again it gets another one, from the beginning.
    core.outbox.snapshots.push({ type: "release", to });
    restart(snapshot);
  }
}

function ask(core: Core, to: NodeId, snapshot: SnapshotSending): void {
  snapshot.retryMs = core.now.steadyMs + core.settings.electionMs;
  const { id, offset } = snapshot;
  core.outbox.snapshots.push({ type: "read", to, id, offset });
}

/** The owner gives a piece, or has none now. */
export function takePiece(core: Core, to: NodeId, piece: Piece | undefined): void {
  const peer = core.role.kind === "leader" ? core.role.peers.get(to) : undefined;
  const snapshot = peer?.snapshot;
  // Nobody needs it any more: the task `release` said so.
  if (snapshot === undefined) return;
  if (piece === undefined) {
    restart(snapshot);
    return;
  }
  assert(piece.bytes.length <= limits.raftSnapshotPieceBytes, "a piece fits in a message");
  if (snapshot.id === undefined) {
    // It answers an earlier question; or entries behind it are gone as well, so it is of no use.
    if (piece.offset !== 0 || piece.head.index < core.log.baseIndex) return;
    snapshot.id = piece.id;
    snapshot.index = piece.head.index;
  }
  if (piece.id !== snapshot.id || piece.offset !== snapshot.offset) return;
  send(core, to, { type: "snapshotPiece", piece });
}

/** The member has everything before `offset`. */
export function handleSnapshotReply(core: Core, message: MessageOf<"snapshotReply">): void {
  const peer = peerOf(core, message.from);
  const snapshot = peer?.snapshot;
  if (peer === undefined || snapshot === undefined || snapshot.id !== message.id) return;
  if (message.offset === snapshot.offset) return;
  // Less than it had: it restarted, or could not keep what it got.
  snapshot.offset = message.offset;
  ask(core, message.from, snapshot);
}

/** Begins anew, with another snapshot, when its time comes. */
function restart(snapshot: SnapshotSending): void {
  snapshot.id = undefined;
  snapshot.index = undefined;
  snapshot.offset = 0;
}
