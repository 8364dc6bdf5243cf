/**
 * The thread beside the event loop that computes the digests of long bodies, all of a process in one:
 * together they take less than one by one. It starts with the first such body. When it breaks down,
 * the bodies under way are refused, and the next one starts it anew.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { QuarryError, unreachable } from "../../base/errors.ts";
import { Md5Lanes } from "../../base/md5/lanes.ts";
import type { DigestReply, DigestRequest, Digests, DigestWishes } from "./digest-messages.ts";

/** A body that the thread knows. */
interface Known {
  /** Whom to tell that a chunk was seen, the oldest first. */
  readonly unseen: (() => void)[];
  readonly digests: PromiseWithResolvers<Digests>;
  isDone: boolean;
}

/** The digests of one body, from its chunks. */
export interface BodyDigests {
  /**
   * The next chunk: one in shared memory is looked at in place, of any other the thread gets a copy.
   * Resolves when it was seen.
   */
  see(chunk: Uint8Array): Promise<void>;
  /** When all chunks were seen. */
  end(): Promise<Digests>;
  /** To be called in the end, whatever became of the body. */
  close(): void;
}

/** V8's memory of the thread; what it works on lies outside. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export class DigestThread implements AsyncDisposable {
  readonly #known = new Map<number, Known>();
  readonly #isPossible = Md5Lanes.isPossible();
  #worker: Worker | undefined;
  #bodies = 0;

  /** Undefined where one body after the other is no slower. */
  begin(wishes: DigestWishes): BodyDigests | undefined {
    if (!this.#isPossible) return undefined;
    const body = ++this.#bodies;
    const known: Known = { unseen: [], digests: Promise.withResolvers(), isDone: false };
    // Who closes without asking for them does not want to hear of a thread that broke down.
    known.digests.promise.catch(() => undefined);
    const begin = () => {
      if (this.#known.has(body) || known.isDone) return;
      this.#known.set(body, known);
      this.#post({ kind: "begin", body, wishes });
    };
    return {
      see: (chunk) => {
        begin();
        if (known.isDone) return Promise.resolve();
        const seen = new Promise<void>((resolve) => known.unseen.push(resolve));
        this.#post({ kind: "chunk", body, bytes: chunk });
        return seen;
      },
      end: async () => {
        begin();
        if (!known.isDone) this.#post({ kind: "end", body });
        return await known.digests.promise;
      },
      close: () => {
        if (!known.isDone && this.#known.has(body)) this.#post({ kind: "drop", body });
        known.isDone = true;
        this.#forget(body, known);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#fail(new QuarryError("Closed", "the gateway is stopped"));
    await worker?.terminate();
  }

  #post(request: DigestRequest): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(request);
  }

  #start(): Worker {
    const script = new URL(`./digest-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(script, { resourceLimits: HEAP });
    worker.unref();
    worker.on("message", (replies: readonly DigestReply[]) => {
      for (const reply of replies) this.#hear(reply);
    });
    worker.on("error", (cause) => {
      if (this.#worker !== worker) return;
      const message = "the thread that checks bodies broke down; send it again";
      this.#fail(new QuarryError("Unavailable", message, { cause }));
    });
    return worker;
  }

  #hear(reply: DigestReply): void {
    const known = this.#known.get(reply.body);
    if (known === undefined) return;
    switch (reply.kind) {
      case "seen":
        known.unseen.shift()?.();
        break;
      case "digests":
        known.isDone = true;
        known.digests.resolve(reply.digests);
        break;
      default:
        unreachable(reply);
    }
    this.#forget(reply.body, known);
  }

  /** Once nothing more comes of it. */
  #forget(body: number, { isDone, unseen }: Known): void {
    if (isDone && unseen.length === 0) this.#known.delete(body);
  }

  #fail(failure: QuarryError): void {
    this.#worker = undefined;
    for (const known of this.#known.values()) {
      known.isDone = true;
      known.digests.reject(failure);
      for (const seen of known.unseen.splice(0)) seen();
    }
    this.#known.clear();
  }
}
