/**
 * Reads of striped blocks. The member in whose range a needle most likely stands is asked for it first.
 * Any other member knows where it stands and its checksums: with these its bytes are read as a strip of
 * the ranges, from the right one or computed from k others, and verified.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { crc32c } from "../base/checksum.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { StripePlace } from "../rpc/stripe-service.ts";
import type { Window } from "./content-cursor.ts";
import { type GoodPiece, readOrPlace, type Trouble, troubleOf } from "./read-piece.ts";
import { type Failure, type ReadContext, readStrip, tell, verdict } from "./read-strip.ts";
import { filledOf, type ReadAt } from "./strip-reading.ts";

type Answer = GoodPiece | StripePlace | Trouble;

export async function readStriped(
  context: ReadContext,
  block: OpenBlock,
  window: Window,
): Promise<Uint8Array | Failure> {
  const { chunk, from, lengthBytes } = window;
  const range = { chunk, pieceBytes: chunk.lengthBytes, from, to: from + lengthBytes };
  const sinceMs = context.clock.monotonicMs();
  const { answer, troubles } = await askMembers(context, block, chunk.needle, (device) =>
    readOrPlace(context.serviceOf, device, range),
  );
  for (const [position, trouble] of troubles) tell(context, chunk, position, trouble);
  if (answer?.kind === "good") return answer.bytes;
  const tookMs = context.clock.monotonicMs() - sinceMs;
  if (answer === undefined) return lacking(block, [...troubles.values()], tookMs);
  return await readPlaced(context, block, window, answer);
}

/** Members that are just switching have the block neither as it was nor as it will be. */
function lacking(block: OpenBlock, troubles: readonly Trouble[], tookMs: number): Failure {
  const failure = verdict(block, 0, troubles, tookMs);
  const isChanging = troubles.some(({ kind }) => kind === "missing" || kind === "moved");
  return isChanging ? { ...failure, isChanging } : failure;
}

/**
 * Asks one member after the other, the next when one fails or is late, until one has the bytes or
 * knows where they are.
 */
export async function askMembers<Good extends GoodPiece>(
  context: ReadContext,
  block: OpenBlock,
  needle: NeedleId,
  ask: (device: DeviceId) => Promise<Good | StripePlace | Trouble>,
) {
  const { latencies, clock } = context;
  const troubles = new Map<number, Trouble>();
  type Answered = readonly [number, Good | StripePlace | Trouble];
  const waiting = new Map<number, Promise<Answered>>();
  const left = inTurn(context, block, needle);
  const [only] = left;
  // Where there is nobody else to ask, nobody is late.
  if (left.length === 1 && only !== undefined) {
    const answer = await ask(only[1]);
    if (answer.kind === "good" || answer.kind === "elsewhere") return { answer, troubles };
    troubles.set(only[0], answer);
    return { answer: undefined, troubles };
  }
  let afterMs = 0;
  let late: Late | undefined;
  try {
    for (;;) {
      const next = left.shift();
      if (next === undefined && waiting.size === 0) return { answer: undefined, troubles };
      if (next !== undefined) {
        const [position, device] = next;
        const sinceMs = clock.monotonicMs();
        afterMs = latencies.lateAfterMs(device);
        const asking = ask(device).then((answer) => {
          if (answer.kind === "away") latencies.shun(device);
          else latencies.answered(device, clock.monotonicMs() - sinceMs);
          return [position, answer] as const;
        });
        waiting.set(position, asking);
      }
      late?.[Symbol.dispose]();
      late = next === undefined ? undefined : new Late(clock, afterMs);
      const first = await Promise.race(
        late === undefined ? waiting.values() : [...waiting.values(), late.comes],
      );
      if (first === undefined) {
        const asking = next && waiting.get(next[0]);
        if (next && asking) latencies.late(next[1], afterMs, asking);
        continue;
      }
      const [position, answer] = first;
      waiting.delete(position);
      if (answer.kind === "good" || answer.kind === "elsewhere") return { answer, troubles };
      troubles.set(position, answer);
    }
  } finally {
    late?.[Symbol.dispose]();
    // Whoever answers later answers for nothing.
    for (const asking of waiting.values()) asking.then(giveBack, () => undefined);
  }
}

/** When this process stood still, the answer may be here and only not read yet. */
class Late implements Disposable {
  readonly #end = Promise.withResolvers<undefined>();
  #timer: Timer;

  constructor(clock: Clock, afterMs: number) {
    const dueMs = clock.monotonicMs() + afterMs;
    const isLate = () => this.#end.resolve(undefined);
    this.#timer = clock.after(afterMs, () => {
      if (clock.monotonicMs() - dueMs < limits.hedgeLeastMs) isLate();
      else this.#timer = clock.after(limits.hedgeLeastMs, isLate);
    });
  }

  get comes(): Promise<undefined> {
    return this.#end.promise;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }
}

function giveBack([, answer]: readonly [number, Answer]): void {
  if (answer.kind === "good") payloadPool.give(answer.bytes);
}

/** The member of the range first where a needle goes, those that were slow or away last. */
function inTurn(
  { latencies }: ReadContext,
  block: OpenBlock,
  needle: NeedleId,
): (readonly [number, DeviceId])[] {
  const members = filledOf(block);
  if (members.length < 2) return members;
  // Of copies each will do: readers of one needle begin at the same, whose cache has it then.
  const ranges = block.scheme.k === 1 ? block.members.length : block.scheme.k;
  const preferred = Number(needle % BigInt(ranges));
  const at = Math.max(
    members.findIndex(([position]) => position === preferred),
    0,
  );
  const turned = [...members.slice(at), ...members.slice(0, at)];
  const isShunned = ([, device]: readonly [number, DeviceId]) => latencies.isShunned(device);
  return [...turned.filter((one) => !isShunned(one)), ...turned.filter(isShunned)];
}

async function readPlaced(
  context: ReadContext,
  block: OpenBlock,
  { chunk, from, lengthBytes }: Window,
  place: StripePlace,
): Promise<Uint8Array | Failure> {
  const wrong = (what: string): Failure => ({
    ...{ kind: "failure", code: "Damaged", what, isChanging: false, tookMs: 0 },
  });
  const { offset, checksums, needleBytes, range, at, encoding, generation, scheme } = place;
  if (needleBytes !== chunk.lengthBytes)
    return wrong(`it has ${needleBytes} bytes there, not ${chunk.lengthBytes}`);
  const spansBytes = checksums.length * limits.checksumSpanBytes;
  const to = Math.min(offset + spansBytes, needleBytes);
  const strip = { first: range, count: 1, from: at + offset, to: at + to };
  const readAt: ReadAt = async (position, device) => {
    try {
      const { from: start, to: end } = strip;
      const found = await context.serviceOf(device).readStripe({
        ...{ device, block: block.block, generation, encoding },
        ...{ offset: start, lengthBytes: end - start },
      });
      if (found.piece.piece !== position)
        return { kind: "moved", what: `${device} has another range` };
      if (found.data.length !== end - start || crc32c(found.data) !== found.sum)
        return { kind: "wrong", what: `${device} gave other bytes than it said` };
      return { kind: "good", bytes: found.data, generation };
    } catch (error) {
      return troubleOf(error);
    }
  };
  // As the member that told it knows the block: the nameserver's answer may be older.
  const told = { ...block, generation, scheme };
  const bytes = await readStrip(context, told, chunk, strip, undefined, readAt);
  if (!(bytes instanceof Uint8Array)) return bytes;
  const bad = firstBadSpan(block.block, chunk.needle, needleBytes, bytes, checksums);
  if (bad < 0 && from >= offset && from + lengthBytes <= to)
    return bytes.subarray(from - offset, from - offset + lengthBytes);
  payloadPool.give(bytes);
  return wrong("what its ranges give is not what was written");
}
