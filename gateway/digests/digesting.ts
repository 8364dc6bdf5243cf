/**
 * Bodies whose digests are computed together: a window of each in turn, so that the MD5 of several
 * goes on in the lanes of one processor, and the other digests find the window in its cache.
 *
 * Where several bodies are under way one alone waits a little for others: together they take a third
 * of the time. Who has ended does not wait.
 */
import { createHash, type Hash } from "node:crypto";
import { limits } from "../../base/limits.ts";
import {
  FEWEST_LANES,
  LANES,
  type Md5Lanes,
  Md5Stream,
  WINDOW_BYTES,
} from "../../base/md5/lanes.ts";
import { type RunningChecksum, startChecksum } from "../checksums.ts";
import type { DigestReply, DigestRequest, Digests, DigestWishes } from "./digest-messages.ts";

interface Body {
  readonly id: number;
  readonly md5: Md5Stream;
  readonly sha256: Hash | undefined;
  readonly checksum: RunningChecksum | undefined;
  readonly chunks: Uint8Array[];
  /** How far the first chunk was taken, and when it may wait for others no longer. */
  at: number;
  dueMs: number;
  hasEnded: boolean;
}

export class Digesting {
  readonly #lanes: Md5Lanes;
  readonly #reply: (replies: readonly DigestReply[]) => void;
  readonly #bodies = new Map<number, Body>();
  /** Those that have chunks, in the order of their turns. */
  readonly #turns: Body[] = [];

  constructor(lanes: Md5Lanes, reply: (replies: readonly DigestReply[]) => void) {
    this.#lanes = lanes;
    this.#reply = reply;
  }

  take(request: DigestRequest, nowMs: number): void {
    const { kind, body: id } = request;
    if (kind === "begin") this.#bodies.set(id, bodyOf(id, request.wishes));
    const body = this.#bodies.get(id);
    if (body === undefined) return;
    if (kind === "chunk") {
      if (body.chunks.push(request.bytes) > 1) return;
      body.dueMs = nowMs + limits.digestWaitMs;
      this.#turns.push(body);
    } else if (kind === "end") {
      body.hasEnded = true;
      if (body.chunks.length === 0) this.#reply([this.#finish(body)]);
    } else if (kind === "drop") this.#drop(body);
  }

  /** When {@link step} has something to do, if nothing comes before. */
  get dueMs(): number {
    const due = this.#turns.map((body) => (body.hasEnded ? 0 : body.dueMs));
    return Math.min(...due, this.#turns.length < this.#lanesWanted ? Infinity : 0);
  }

  /** Goes one window on with as many bodies as there are lanes; false when none does not wait. */
  step(nowMs: number): boolean {
    if (this.#turns.length === 0 || this.dueMs > nowMs) return false;
    const bodies = this.#turns.splice(0, LANES);
    const runs = bodies.map((body) => ({
      body,
      stream: body.md5,
      bytes: (body.chunks[0] ?? none).subarray(body.at, body.at + WINDOW_BYTES),
    }));
    this.#lanes.update(runs);
    const replies: DigestReply[] = [];
    for (const { body, bytes } of runs) {
      body.sha256?.update(bytes);
      body.checksum?.update(bytes);
      body.at += bytes.length;
      if (body.at === body.chunks[0]?.length) this.#chunkDone(body, replies, nowMs);
      if (body.chunks.length > 0) this.#turns.push(body);
    }
    if (replies.length > 0) this.#reply(replies);
    return true;
  }

  /** With as many bodies as are under way, as far as more of them take less time each. */
  get #lanesWanted(): number {
    const { size } = this.#bodies;
    return size < FEWEST_LANES ? 1 : Math.min(size < LANES ? LANES / 2 : LANES, size);
  }

  #chunkDone(body: Body, replies: DigestReply[], nowMs: number): void {
    body.chunks.shift();
    body.at = 0;
    body.dueMs = nowMs + limits.digestWaitMs;
    replies.push({ kind: "seen", body: body.id });
    if (body.hasEnded && body.chunks.length === 0) replies.push(this.#finish(body));
  }

  #finish(body: Body): DigestReply {
    this.#bodies.delete(body.id);
    const digests: Digests = {
      md5Hex: this.#lanes.digest(body.md5),
      sha256Hex: body.sha256?.digest("hex"),
      checksum: body.checksum?.digest(),
    };
    return { kind: "digests", body: body.id, digests };
  }

  /** Its chunks count as seen: they are wanted elsewhere. */
  #drop(body: Body): void {
    this.#bodies.delete(body.id);
    const turn = this.#turns.indexOf(body);
    if (turn >= 0) this.#turns.splice(turn, 1);
    this.#reply(body.chunks.splice(0).map(() => ({ kind: "seen", body: body.id })));
  }
}

const none = new Uint8Array(0);

function bodyOf(id: number, { sha256, checksum }: DigestWishes): Body {
  return {
    id,
    md5: new Md5Stream(),
    sha256: sha256 ? createHash("sha256") : undefined,
    checksum: checksum === undefined ? undefined : startChecksum(checksum),
    chunks: [],
    at: 0,
    dueMs: 0,
    hasEnded: false,
  };
}
