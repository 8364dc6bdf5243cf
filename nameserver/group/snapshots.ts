/** Sending the state to members that lag too far behind, and taking it from the leader. */
import { assert, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { StateHead } from "../../raft/entry.ts";
import type { Input } from "../../raft/input.ts";
import type { Piece } from "../../raft/message.ts";
import type { SnapshotTask } from "../../raft/outputs.ts";
import { type Digest, moveDigest } from "../row-codec.ts";
import type { StateFolder } from "../state-folder.ts";
import { digestOf, headOf, isHeadKey, markInstalled } from "../state-machine.ts";
import type { StateReads, StateStore } from "../state-store.ts";
import { RowReader, RowWriter } from "./snapshot-bytes.ts";

interface Sending {
  readonly id: number;
  readonly head: StateHead;
  readonly state: StateReads & AsyncDisposable;
  readonly reader: RowReader;
  /** The piece that was read last: it may be asked for again. */
  piece: Piece | undefined;
}

interface Receiving {
  readonly id: number;
  readonly store: StateStore;
  readonly writer: RowWriter;
  digest: Digest;
  offset: number;
}

export interface SnapshotsOptions {
  readonly state: StateFolder;
  readonly random: Random;
  /** Waits until nothing is being applied. */
  readonly idle: () => Promise<void>;
  /** The state is another one from now on. */
  readonly onReplaced: () => void;
  readonly step: (input: Input) => void;
  readonly report: (message: string) => void;
  /** The own state cannot be read. */
  readonly onFailure: (error: unknown) => void;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #sending = new Map<NodeId, Sending>();
  #receiving: Receiving | undefined;
  /** Tasks are carried out one after the other. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** What has come of the snapshot that is on its way here. */
  get receivedBytes(): number | undefined {
    return this.#receiving?.offset;
  }

  add(task: SnapshotTask): void {
    this.#tail = this.#tail.then(() => this.#run(task)).catch(this.#options.onFailure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    for (const to of [...this.#sending.keys()]) await this.#release(to);
  }

  async #run(task: SnapshotTask): Promise<void> {
    const { step, report, state } = this.#options;
    switch (task.type) {
      case "read":
        step({ type: "snapshotPiece", to: task.to, piece: await this.#read(task) });
        return;
      case "release":
        await this.#release(task.to);
        return;
      case "discard":
        this.#receiving = undefined;
        await state.discard();
        return;
      case "store":
      case "install":
        try {
          await this.#store(task.piece);
          if (task.type === "install") await this.#install(task.piece);
          const done = task.type === "install" ? "snapshotInstalled" : "snapshotStored";
          step({ type: done, id: task.piece.id });
        } catch (error) {
          report(`a snapshot could not be taken: ${String(error)}`);
          this.#receiving = undefined;
          step({ type: "snapshotFailed", id: task.piece.id });
        }
    }
  }

  async #read(task: Extract<SnapshotTask, { type: "read" }>): Promise<Piece | undefined> {
    const { to, id, offset } = task;
    const known = this.#sending.get(to);
    const again = known?.piece;
    if (known?.id === id && again?.offset === offset) return again;
    if (id === undefined) return await this.#begin(to);
    const nextOffset = again === undefined ? 0 : again.offset + again.bytes.length;
    if (known === undefined || known.id !== id || nextOffset !== offset) {
      await this.#release(to);
      return undefined;
    }
    return await this.#nextPiece(known, offset);
  }

  async #begin(to: NodeId): Promise<Piece | undefined> {
    await this.#release(to);
    const state = this.#options.state.snapshot();
    const head = headOf(state);
    if (head === undefined) {
      await state[Symbol.asyncDispose]();
      return undefined;
    }
    const id = this.#options.random.u32() + 1;
    const sending: Sending = { id, head, state, reader: new RowReader(state), piece: undefined };
    this.#sending.set(to, sending);
    return await this.#nextPiece(sending, 0);
  }

  async #nextPiece(sending: Sending, offset: number): Promise<Piece> {
    const { id, head, reader } = sending;
    sending.piece = { id, head, offset, ...(await reader.next()) };
    return sending.piece;
  }

  async #release(to: NodeId): Promise<void> {
    const sending = this.#sending.get(to);
    this.#sending.delete(to);
    await sending?.reader.close();
    await sending?.state[Symbol.asyncDispose]();
  }

  async #store(piece: Piece): Promise<void> {
    if (piece.offset === 0) {
      const store = await this.#options.state.beside();
      const digest = { a: 0, b: 0 };
      this.#receiving = { id: piece.id, store, writer: new RowWriter(), digest, offset: 0 };
    }
    const receiving = this.#receiving;
    assert(
      receiving !== undefined && receiving.id === piece.id && receiving.offset === piece.offset,
      "the pieces of a snapshot come in order",
    );
    const rows = receiving.writer.rows(piece.bytes);
    for (const { key, value } of rows)
      if (!isHeadKey(key)) receiving.digest = moveDigest(receiving.digest, undefined, value);
    await receiving.store.write(rows);
    receiving.offset += piece.bytes.length;
  }

  async #install(piece: Piece): Promise<void> {
    const receiving = this.#receiving;
    assert(receiving !== undefined, "what is installed was received");
    const { store, digest, writer } = receiving;
    writer.end();
    const stated = digestOf(store);
    if (headOf(store)?.index !== piece.head.index || stated.a !== digest.a || stated.b !== digest.b)
      throw new QuarryError("Damaged", "the rows of the snapshot are not those that were sent");
    await this.#options.idle();
    await markInstalled(store);
    await this.#options.state.replace();
    this.#receiving = undefined;
    this.#options.onReplaced();
  }
}
