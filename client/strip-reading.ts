/**
 * Reads one strip of a chunk from the members of its block: the data pieces first, and when one of
 * them fails or is late as many others as are needed. With k = 1 every member has the data, so any
 * one will do; else the strip is computed from k pieces of one generation.
 *
 * A read that is late is not given up: whatever comes first counts.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import type { Codecs } from "./codecs.ts";
import type { ReadableChunk } from "./content-cursor.ts";
import type { Latencies } from "./latencies.ts";
import type { ServiceOf } from "./members.ts";
import { type GoodPiece, type PieceRange, readPiece, type Trouble } from "./read-piece.ts";
import { pieceBytesOf, type Strip } from "./strips.ts";

export type ReadAt = (position: number, device: DeviceId) => Promise<GoodPiece | Trouble>;

export interface StripContext {
  readonly serviceOf: ServiceOf;
  readonly clock: Clock;
  readonly codecs: Codecs;
  readonly latencies: Latencies;
}

/**
 * `direct`: the wanted pieces are there (of k = 1: one piece, at any position). `decode`: k pieces
 * are, from which the wanted ones can be computed. `failed`: these are too few.
 */
export interface StripResult {
  readonly kind: "direct" | "decode" | "failed";
  /** By position; the caller gives them back to `payloadPool`. */
  readonly pieces: ReadonlyMap<number, GoodPiece>;
  readonly troubles: ReadonlyMap<number, Trouble>;
  readonly tookMs: number;
}

interface Asked {
  state: "asked" | "late" | GoodPiece | Trouble;
  timer: Timer;
}

const turnOf = ({ crc32c, needle }: ReadableChunk): number =>
  crc32c ?? Number(needle & 0xffffffffn);

type Member = readonly [position: number, device: DeviceId];

export class StripReading implements Disposable {
  readonly #context: StripContext;
  readonly #block: OpenBlock;
  readonly #readAt: ReadAt;
  readonly #range: PieceRange;
  /** In the order in which they are asked. */
  readonly #members: readonly Member[];
  /** Positions whose pieces are wanted. */
  readonly #wanted: readonly number[];
  readonly #asked = new Map<number, Asked>();
  readonly #sinceMs: number;
  readonly #end = Promise.withResolvers<StripResult>();
  #hasEnded = false;
  /** For pieces beside the wanted ones. */
  #room: "none" | "waiting" | Disposable = "none";

  /** `readAt`: how the strip is read at a member; default: as a range of the needle's piece. */
  constructor(
    context: StripContext,
    block: OpenBlock,
    chunk: ReadableChunk,
    strip: Strip,
    readAt?: ReadAt,
  ) {
    const { scheme } = block;
    const { first, count, from, to } = strip;
    this.#context = context;
    this.#sinceMs = context.clock.monotonicMs();
    this.#block = block;
    this.#readAt = readAt ?? ((position, device) => this.#readPiece(position, device));
    this.#range = { chunk, pieceBytes: pieceBytesOf(scheme, chunk.lengthBytes), from, to };
    const members = filledOf(block);
    // Readers of one needle begin at the same member, whose cache has it then.
    const turn = scheme.k === 1 ? turnOf(chunk) % Math.max(1, members.length) : 0;
    const inTurn = turn === 0 ? members : [...members.slice(turn), ...members.slice(0, turn)];
    const isShunned = ([, device]: Member) => context.latencies.isShunned(device);
    const fit = inTurn.filter((member) => !isShunned(member));
    this.#members = fit.length === members.length ? inTurn : [...fit, ...inTurn.filter(isShunned)];
    const firstMember = this.#members[0];
    if (scheme.k > 1) this.#wanted = Array.from({ length: count }, (_, i) => first + i);
    else this.#wanted = firstMember === undefined ? [] : [firstMember[0]];
    for (const [position, device] of this.#members) {
      // One that was slow or away just now is not waited for when others suffice.
      const isSkipped = fit.length >= scheme.k && context.latencies.isShunned(device);
      if (this.#wanted.includes(position) && !isSkipped) this.#ask(position, device);
    }
  }

  /** To be disposed when the pieces are used, as their room is. */
  run(): Promise<StripResult> {
    this.#advance();
    return this.#end.promise;
  }

  [Symbol.dispose](): void {
    this.#hasEnded = true;
    if (typeof this.#room === "object") this.#room[Symbol.dispose]();
  }

  #advance(): void {
    if (this.#hasEnded) return;
    const { k } = this.#block.scheme;
    if (this.#wanted.length > 0 && this.#isComplete()) {
      this.#finish("direct", new Map(this.#wanted.map((at) => [at, this.#good(at) as GoodPiece])));
      return;
    }
    const usable = this.#usable();
    if (usable.size >= k) {
      this.#finish(k === 1 ? "direct" : "decode", usable);
      return;
    }
    if (this.#wanted.length > 0 && this.#wanted.every((at) => this.#isComing(at))) return;
    if (!this.#hasRoom()) return;
    let needed =
      k - usable.size - [...this.#asked.keys()].filter((at) => this.#isAwaited(at)).length;
    for (const [position, device] of this.#members) {
      if (needed <= 0) break;
      if (this.#asked.has(position)) continue;
      this.#ask(position, device);
      needed--;
    }
    if (needed > 0 && ![...this.#asked.values()].some(({ state }) => typeof state === "string"))
      this.#finish("failed", usable);
  }

  /** All that is wanted is here, of one generation. */
  #isComplete(): boolean {
    const [first] = this.#wanted;
    const generation = first === undefined ? undefined : this.#good(first)?.generation;
    return (
      generation !== undefined &&
      this.#wanted.every((at) => this.#good(at)?.generation === generation)
    );
  }

  /** What the pieces of other positions can be computed from: the most of one generation. */
  #usable(): Map<number, GoodPiece> {
    const { scheme, generation } = this.#block;
    const usable = new Map<number, GoodPiece>();
    const counts = new Map<number, number>();
    for (const position of this.#asked.keys()) {
      const piece = this.#good(position);
      if (piece === undefined) continue;
      usable.set(position, piece);
      counts.set(piece.generation, (counts.get(piece.generation) ?? 0) + 1);
    }
    if (scheme.k === 1 || counts.size < 2) return usable;
    let best = generation;
    for (const [one, count] of counts) if (count > (counts.get(best) ?? 0)) best = one;
    for (const [position, piece] of usable) if (piece.generation !== best) usable.delete(position);
    return usable;
  }

  #good(position: number): GoodPiece | undefined {
    const state = this.#asked.get(position)?.state;
    return typeof state === "object" && state.kind === "good" ? state : undefined;
  }

  #isAwaited(position: number): boolean {
    return this.#asked.get(position)?.state === "asked";
  }

  /** It may become part of a complete answer yet. */
  #isComing(position: number): boolean {
    if (this.#isAwaited(position)) return true;
    // Those that came are of several generations when nothing is awaited any more.
    return this.#good(position) !== undefined && this.#wanted.some((at) => this.#isAwaited(at));
  }

  #ask(position: number, device: DeviceId): void {
    const { clock, latencies } = this.#context;
    const sinceMs = clock.monotonicMs();
    const lateAfterMs = latencies.lateAfterMs(device);
    const answer = this.#readAt(position, device);
    const asked: Asked = { state: "asked", timer: clock.after(lateAfterMs, () => isDue()) };
    /** When this process stood still, the answer may be here and only not read yet. */
    const isDue = () => {
      const overdueMs = clock.monotonicMs() - sinceMs - lateAfterMs;
      if (overdueMs < limits.hedgeLeastMs) isLate();
      else asked.timer = clock.after(limits.hedgeLeastMs, isLate);
    };
    const isLate = () => {
      asked.state = "late";
      latencies.late(device, lateAfterMs, answer);
      asked.timer = clock.after(limits.blockReadMs, () =>
        answered({ kind: "away", what: `${device} does not answer` }),
      );
      this.#advance();
    };
    const answered = (answer: GoodPiece | Trouble) => {
      asked.timer.cancel();
      if (answer.kind === "away") latencies.shun(device);
      else latencies.answered(device, clock.monotonicMs() - sinceMs);
      const isOver = this.#hasEnded || typeof asked.state === "object";
      if (!isOver) asked.state = answer;
      else if (answer.kind === "good") payloadPool.give(answer.bytes);
      this.#advance();
    };
    this.#asked.set(position, asked);
    answer.then(answered, (error: unknown) => {
      this.#stop();
      this.#end.reject(error);
    });
  }

  #readPiece(position: number, device: DeviceId): Promise<GoodPiece | Trouble> {
    const { scheme } = this.#block;
    const range =
      scheme.k === 1 ? this.#range : { ...this.#range, piece: { piece: position, scheme } };
    return readPiece(this.#context.serviceOf, device, range);
  }

  /** Pieces beside the wanted ones take memory that is asked for first. */
  #hasRoom(): boolean {
    const { scheme } = this.#block;
    if (scheme.k === 1 || typeof this.#room === "object") return true;
    if (this.#room === "waiting") return false;
    this.#room = "waiting";
    const stripBytes = this.#range.to - this.#range.from;
    this.#context.codecs.roomToDecode(scheme, stripBytes).then(
      (room) => {
        if (this.#hasEnded) room[Symbol.dispose]();
        else this.#room = room;
        this.#advance();
      },
      (error: unknown) => {
        this.#stop();
        this.#end.reject(error);
      },
    );
    return false;
  }

  #finish(kind: StripResult["kind"], pieces: ReadonlyMap<number, GoodPiece>): void {
    this.#stop();
    const troubles = new Map<number, Trouble>();
    for (const [position, { state }] of this.#asked) {
      if (typeof state === "string" || pieces.has(position)) continue;
      if (state.kind !== "good") {
        troubles.set(position, state);
        continue;
      }
      payloadPool.give(state.bytes);
      const what = `piece ${position} is of generation ${state.generation}, others are not`;
      if (kind === "failed") troubles.set(position, { kind: "other generation", what });
    }
    const tookMs = this.#context.clock.monotonicMs() - this.#sinceMs;
    this.#end.resolve({ kind, pieces, troubles, tookMs });
  }

  #stop(): void {
    this.#hasEnded = true;
    for (const { timer } of this.#asked.values()) timer.cancel();
  }
}

/** The members that there are, by position. */
export function filledOf({ members }: OpenBlock): Member[] {
  const filled: Member[] = [];
  for (const [position, device] of members.entries())
    if (device !== null) filled.push([position, device]);
  return filled;
}
