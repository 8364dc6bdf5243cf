/**
 * The sessions of one client, and the numbers of its commands in them. A session has as many places as
 * its window is wide; a place is taken by one command at a time, and by the next under a number that is
 * higher by the window. So no command waits for another, and a client that does one thing after the
 * other uses one place, whose result the nameservers overwrite again and again.
 */
import { QuarryError } from "../base/errors.ts";
import type { SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Once } from "../rpc/commands.ts";

export class ClientSessions {
  readonly #open: () => Promise<SessionId>;
  /** The first that has a free place is used. */
  readonly #places = new Map<SessionId, Places>();
  #opening: Promise<void> | undefined;

  /** Sessions are opened when they are needed. */
  constructor(open: () => Promise<SessionId>) {
    this.#open = open;
  }

  get ids(): SessionId[] {
    return [...this.#places.keys()];
  }

  /**
   * A number that no other command has; to be given back.
   * @throws QuarryError `Busy` when too many commands wait for answers, and what opening a session throws.
   */
  async take(): Promise<Once> {
    for (;;) {
      for (const [session, places] of this.#places) {
        const sequence = places.take();
        if (sequence !== undefined) return { session, sequence };
      }
      if (this.#places.size >= limits.clientSessions)
        throw new QuarryError("Busy", "too many changes wait for answers; try again later");
      this.#opening ??= this.#openAnother();
      await this.#opening;
    }
  }

  /** The command is answered, or will not be repeated any more. */
  release({ session, sequence }: Once): void {
    const places = this.#places.get(session);
    if (places?.release(sequence) === false) this.#places.delete(session);
  }

  /** The session is over, or not to be used any more. */
  drop(session: SessionId): void {
    this.#places.delete(session);
  }

  async #openAnother(): Promise<void> {
    try {
      this.#places.set(await this.#open(), new Places());
    } finally {
      this.#opening = undefined;
    }
  }
}

/** Of one session: the number that comes next in each place. */
class Places {
  /** The place that was used last comes first: few are in use. */
  readonly #free: number[] = [];
  #unused = 1;

  take(): number | undefined {
    return this.#free.pop() ?? (this.#unused <= limits.sessionWindow ? this.#unused++ : undefined);
  }

  /** False when the numbers come to an end. */
  release(sequence: number): boolean {
    const next = sequence + limits.sessionWindow;
    if (next > limits.sessionSequence) return false;
    this.#free.push(next);
    return true;
  }
}
