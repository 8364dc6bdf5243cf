/** What an owner does with snapshots, simulated: pieces of a few bytes stand for copies of a state. */
import { unreachable } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Piece } from "../message.ts";
import type { SnapshotTask } from "../outputs.ts";
import type { Machine } from "./machine.ts";
import type { SimNode, Surroundings } from "./node.ts";
import { check } from "./violation.ts";

const PIECES = 3;
const PIECE_BYTES = 10;

/** The contents of all snapshots, by id. */
export type Shelf = Map<number, Machine>;

export class SnapshotWork {
  readonly #node: SimNode;
  readonly #world: Surroundings;
  readonly #sending = new Map<NodeId, number>();
  #dueMs = 0;
  #received: { id: number; bytes: number } | undefined;

  constructor(node: SimNode, world: Surroundings) {
    this.#node = node;
    this.#world = world;
  }

  forget(): void {
    this.#sending.clear();
    this.#received = undefined;
  }

  carryOut(task: SnapshotTask): void {
    switch (task.type) {
      case "read":
        this.#later(() => this.#read(task));
        break;
      case "release":
        this.#sending.delete(task.to);
        break;
      case "store":
        this.#later(() => {
          const type = this.#store(task.piece) ? "snapshotStored" : "snapshotFailed";
          this.#node.step({ type, id: task.piece.id });
        });
        break;
      case "install":
        this.#later(() => this.#install(task.piece));
        break;
      case "discard":
        this.#later(() => {
          this.#received = undefined;
        });
        break;
      default:
        unreachable(task);
    }
  }

  /** One after the other, in the order of the tasks. */
  #later(run: () => void): void {
    const { dice, agenda } = this.#world;
    this.#dueMs = Math.max(this.#dueMs, agenda.nowMs) + dice.between(1, 15);
    this.#node.live(this.#dueMs - agenda.nowMs, run);
  }

  #read({ to, id, offset }: Extract<SnapshotTask, { type: "read" }>): void {
    const { shelf, dice } = this.#world;
    const answer = (piece: Piece | undefined) =>
      this.#node.step({ type: "snapshotPiece", to, piece });
    if (dice.chance(0.05) || (id !== undefined && this.#sending.get(to) !== id)) {
      answer(undefined);
      return;
    }
    const used = id ?? shelf.size + 1;
    if (id === undefined) shelf.set(used, this.#node.machine.clone());
    this.#sending.set(to, used);
    const head = shelf.get(used)?.head;
    check(head !== undefined, "a snapshot under way stays on the shelf");
    const bytes = Buffer.alloc(PIECE_BYTES, used);
    answer({ id: used, head, offset, bytes, last: offset === (PIECES - 1) * PIECE_BYTES });
  }

  #store({ id, offset, bytes }: Piece): boolean {
    if (offset === 0) this.#received = { id, bytes: 0 };
    const fits = this.#received?.id === id && this.#received.bytes === offset;
    check(fits, "pieces come in order");
    if (this.#received !== undefined) this.#received.bytes += bytes.length;
    return !this.#world.dice.chance(0.05);
  }

  #install(piece: Piece): void {
    const { shelf, oracle } = this.#world;
    const content = shelf.get(piece.id);
    const { id } = piece;
    if (!this.#store(piece) || content === undefined) {
      this.#node.step({ type: "snapshotFailed", id });
      return;
    }
    check(this.#received?.bytes === PIECES * PIECE_BYTES, "a snapshot is installed whole");
    check(content.head.index > this.#node.machine.head.index, "a state never goes back");
    this.#node.storage.checkpoint(content.clone());
    this.#node.machine = content.clone();
    oracle.state(content.head.index, content.digest);
    oracle.installed++;
    this.#received = undefined;
    this.#node.step({ type: "snapshotInstalled", id });
  }
}
