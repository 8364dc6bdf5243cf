/**
 * Answers to other members that are held back for a moment, so that what this one has to say to them goes
 * along: a heartbeat and its reply are one call then, and so are entries and the word that they are kept.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Message } from "../../raft/message.ts";

/** What is answered by a message. To hold the answer to anything else would keep its sender waiting. */
const asking: ReadonlySet<Message["type"]> = new Set([
  ...(["append", "heartbeat", "preVote", "vote"] as const),
  ...(["propose", "read", "snapshotPiece"] as const),
]);

interface Held {
  readonly messages: Message[];
  readonly timer: Timer;
  readonly answer: (messages: readonly Message[]) => void;
}

export class HeldAnswers implements Disposable {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #held = new Map<NodeId, Held[]>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Messages have come, and are to be taken now. Resolves with what is to be said to their sender: once there
   * is something, or soon with nothing.
   */
  hold(messages: readonly Message[]): Promise<readonly Message[]> {
    const node = messages.find(({ type }) => asking.has(type))?.from;
    if (this.#isClosed || node === undefined) return Promise.resolve([]);
    const { promise, resolve } = Promise.withResolvers<readonly Message[]>();
    const list = this.#held.get(node) ?? [];
    this.#held.set(node, list);
    const timer = this.#clock.after(limits.groupHeldMs, () => this.#release(node, held));
    const held: Held = { messages: [], timer, answer: resolve };
    list.push(held);
    // Its sender waits for an answer before it sends more.
    const [oldest] = list;
    if (oldest !== undefined && list.length >= limits.groupBatches) this.#release(node, oldest);
    return promise;
  }

  /** Whether an answer takes it along; what may be much goes its own way. */
  take(message: Message): boolean {
    const { type, to } = message;
    if (type === "append" || type === "snapshotPiece" || type === "propose") return false;
    const oldest = this.#held.get(to)?.[0];
    if (oldest === undefined) return false;
    // What else is said in this turn goes along.
    if (oldest.messages.length === 0) queueMicrotask(() => this.#release(to, oldest));
    oldest.messages.push(message);
    return true;
  }

  /** Nobody waits any longer. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const [node, list] of [...this.#held])
      for (const held of [...list]) this.#release(node, held);
  }

  #release(node: NodeId, held: Held): void {
    const list = this.#held.get(node) ?? [];
    const at = list.indexOf(held);
    if (at < 0) return;
    list.splice(at, 1);
    if (list.length === 0) this.#held.delete(node);
    held.timer.cancel();
    held.answer(held.messages);
  }
}
