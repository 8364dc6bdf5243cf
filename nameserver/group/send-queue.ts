/**
 * Messages on their way to one member, in order: those that come while others travel go together.
 * What finds the queue full is lost.
 */
import { limits } from "../../base/limits.ts";
import { entryBytes } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import { encodeMessages } from "./message-codec.ts";

const MESSAGE_BYTES = 128;

export interface SendQueueOptions {
  /** Rejects when the batch may not have arrived. */
  readonly deliver: (batch: Buffer) => Promise<void>;
  readonly onLost: () => void;
}

export class SendQueue {
  readonly #options: SendQueueOptions;
  #waiting: { readonly message: Message; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #underWay = 0;
  /** A batch that waits for credit would be overtaken by the next. */
  #isLargeUnderWay = false;
  #isFull = false;
  #isSending = false;
  #isClosed = false;

  constructor(options: SendQueueOptions) {
    this.#options = options;
  }

  add(message: Message): void {
    if (this.#isClosed) return;
    const bytes = messageBytes(message);
    const fits =
      this.#waiting.length < limits.groupQueuedMessages &&
      this.#waitingBytes + bytes <= limits.groupQueuedBytes;
    if (!fits) {
      if (!this.#isFull) this.#lost();
      this.#isFull = true;
      return;
    }
    this.#isFull = false;
    this.#waiting.push({ message, bytes });
    this.#waitingBytes += bytes;
    if (this.#isSending) return;
    this.#isSending = true;
    queueMicrotask(() => {
      this.#isSending = false;
      this.#send();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#underWay < limits.groupBatches) {
      if (this.#isLargeUnderWay) return;
      const batch = encodeMessages(this.#takeBatch());
      const isLarge = batch.length > limits.rpcInlineBytes;
      this.#underWay++;
      this.#isLargeUnderWay = isLarge;
      this.#options
        .deliver(batch)
        .catch(() => this.#lost())
        .finally(() => {
          this.#underWay--;
          if (isLarge) this.#isLargeUnderWay = false;
          this.#send();
        });
    }
  }

  #takeBatch(): Message[] {
    let count = 0;
    let bytes = 0;
    for (const one of this.#waiting) {
      if (count > 0 && bytes + one.bytes > limits.groupBatchBytes) break;
      bytes += one.bytes;
      count++;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count).map(({ message }) => message);
  }

  #lost(): void {
    if (!this.#isClosed) this.#options.onLost();
  }
}

function messageBytes(message: Message): number {
  switch (message.type) {
    case "append":
      return message.entries.reduce((sum, entry) => sum + entryBytes(entry), MESSAGE_BYTES);
    case "snapshotPiece":
      return message.piece.bytes.length + MESSAGE_BYTES;
    case "propose":
      return message.proposals.reduce((sum, one) => sum + entryBytes(one), MESSAGE_BYTES);
    default:
      return MESSAGE_BYTES;
  }
}
