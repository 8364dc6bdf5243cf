/**
 * Writes one snapshot of the state into blocks, reads all of it back from every member, and only then
 * has it kept. In turns, since the state may be large.
 */
import { createHash, type Hash } from "node:crypto";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { StateHead } from "../../raft/entry.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { RowTally } from "../backup/row-tally.ts";
import type { Group } from "../group/group.ts";
import { RowReader, RowWriter } from "../group/snapshot-bytes.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { digestOf, headOf } from "../state-machine.ts";
import type { StateReads } from "../state-store.ts";
import { type CopyForm, formOf, pack } from "./compressed.ts";
import { copyBlob } from "./copy-blobs.ts";
import type { CopyNeedles } from "./copy-needles.ts";
import { encodeManifest } from "./manifest.ts";

export class SnapshotWriter implements AsyncDisposable {
  readonly head: StateHead;
  readonly #group: Group;
  readonly #needles: CopyNeedles;
  readonly #state: StateReads & AsyncDisposable;
  readonly #form: CopyForm;
  readonly #reader: RowReader;
  readonly #writer = new RowWriter();
  readonly #tally = new RowTally();
  readonly #hash: Hash = createHash("sha256");
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #registered = 0;
  #isWritten = false;
  #manifest: Buffer | undefined;
  /** Chunks that were read back. */
  #checked = 0;
  readonly #backHash: Hash = createHash("sha256");

  private constructor(
    group: Group,
    needles: CopyNeedles,
    state: StateReads & AsyncDisposable,
    head: StateHead,
  ) {
    this.#group = group;
    this.#needles = needles;
    this.#state = state;
    this.head = head;
    this.#form = formOf(state);
    this.#reader = new RowReader(state);
  }

  /** Undefined while the state is empty. */
  static async begin(group: Group, needles: CopyNeedles): Promise<SnapshotWriter | undefined> {
    const state = group.state.snapshot();
    const head = headOf(state);
    if (head !== undefined) return new SnapshotWriter(group, needles, state, head);
    await state[Symbol.asyncDispose]();
    return undefined;
  }

  /** One turn; true when the snapshot is kept. */
  async step(): Promise<boolean> {
    let bytes = 0;
    while (bytes < limits.copyTurnBytes) {
      if (!this.#isWritten) bytes += await this.#writeChunk();
      else if (this.#manifest === undefined) await this.#writeManifest();
      else if (this.#checked < this.#chunks.length) bytes += await this.#readBack();
      else {
        await this.#keep();
        return true;
      }
    }
    await this.#register();
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.close();
    await this.#state[Symbol.asyncDispose]();
  }

  /** What was written of it is of no use: its needles go. */
  async giveUp(): Promise<void> {
    const blob = copyBlob("snapshot", this.head.index);
    if (this.#registered > 0) await this.#group.propose({ type: "dropBlob", blob });
  }

  async #writeChunk(): Promise<number> {
    const pieces: Buffer[] = [];
    for (let bytes = 0; bytes < limits.chunkBytes && !this.#isWritten; ) {
      const piece = await this.#reader.next();
      this.#tally.add(this.#writer.rows(piece.bytes));
      if (piece.bytes.length > 0) pieces.push(piece.bytes);
      bytes += piece.bytes.length;
      this.#isWritten = piece.last;
    }
    if (pieces.length === 0) return 0;
    const data = await pack(this.#form, Buffer.concat(pieces));
    this.#hash.update(data);
    this.#bytes += data.length;
    await this.#append(data);
    return data.length;
  }

  async #writeManifest(): Promise<void> {
    this.#writer.end();
    this.#tally.check();
    const { index, term, timeMs } = this.head;
    const digest = digestOf(this.#state);
    const [rows, bytes, sha256] = [this.#tally.rows, this.#bytes, this.#hash.digest()];
    const sums = { form: this.#form, rows, bytes, digest, sha256, chunks: [...this.#chunks] };
    this.#manifest = encodeManifest({ index, term, timeMs, ...sums });
    if (this.#manifest.length > limits.needleBytes)
      throw new QuarryError("TooLarge", "the metadata are too large for a snapshot in blocks");
    await this.#append(this.#manifest);
    await this.#register();
  }

  async #append(data: Buffer): Promise<void> {
    const { index } = this.head;
    const owner = { blob: copyBlob("snapshot", index), chunk: this.#chunks.length };
    // The whole of a snapshot on one device where there is room, the next one on another.
    this.#chunks.push(await this.#needles.append(owner, data, index % SPREAD));
  }

  /** While it is pending, settled blocks are not swept of its needles (INV-4). */
  async #register(): Promise<void> {
    const { index } = this.head;
    while (this.#registered < this.#chunks.length) {
      const first = this.#registered;
      const chunks = this.#chunks.slice(first, first + limits.commandChunks);
      await this.#group.propose({ type: "addCopyChunks", kind: "snapshot", index, first, chunks });
      this.#registered += chunks.length;
    }
  }

  async #readBack(): Promise<number> {
    const number = this.#checked++;
    const chunk = this.#chunks[number];
    if (chunk === undefined) return 0;
    let bytes = 0;
    const members = filled(read(this.#group.state, keys.block(chunk.block))?.members ?? []);
    for (const [i, device] of members.entries()) {
      const data = await this.#needles.read(chunk, device);
      bytes += data.length;
      const isManifest = number === this.#chunks.length - 1;
      if (isManifest && this.#manifest?.equals(data) !== true) throw notAsWritten();
      if (!isManifest && i === 0) this.#backHash.update(data);
    }
    if (members.length === 0) throw notAsWritten();
    return bytes;
  }

  async #keep(): Promise<void> {
    const { index } = this.head;
    const sha256 = this.#backHash.digest();
    if (this.#manifest?.subarray(64, 96).equals(sha256) !== true) throw notAsWritten();
    const lengthBytes = this.#bytes + this.#manifest.length;
    const registered = this.#registered;
    const kept = { index, last: index as LogIndex, lengthBytes, registered, chunks: [] };
    await this.#group.propose({ type: "keepCopy", kind: "snapshot", ...kept });
  }
}

const SPREAD = 1 << 16;

const notAsWritten = () =>
  new QuarryError("Damaged", "a snapshot of the metadata was not read back as it was written");
