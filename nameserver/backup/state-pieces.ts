/**
 * Reads the state out, piece by piece, to whoever asks for it: all pieces of one reading are of one
 * moment, while changes go on. A reading that nobody goes on with is given up.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { StatePiece, StatePieceRequest } from "../../rpc/name-service.ts";
import type { Group } from "../group/group.ts";
import { RowReader } from "../group/snapshot-bytes.ts";

interface Reading {
  /** Gone once the last piece was read. */
  open: { readonly reader: RowReader; readonly state: AsyncDisposable } | undefined;
  /** The piece that was read last: it may be asked for again. */
  last: StatePiece;
  timer: Timer | undefined;
}

export interface StatePiecesOptions {
  readonly group: Pick<Group, "state" | "readBarrier">;
  readonly clock: Clock;
  readonly random: Random;
}

export class StatePieces implements AsyncDisposable {
  readonly #options: StatePiecesOptions;
  readonly #readings = new Map<number, Reading>();
  /** One piece after the other, whoever asks. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: StatePiecesOptions) {
    this.#options = options;
  }

  piece(request: StatePieceRequest): Promise<StatePiece> {
    const answer = this.#tail.then(() => this.#piece(request));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    for (const id of [...this.#readings.keys()]) await this.#release(id);
  }

  async #piece({ reading: id, offset }: StatePieceRequest): Promise<StatePiece> {
    if (id === undefined) return await this.#begin();
    const reading = this.#readings.get(id);
    if (reading === undefined) throw gone();
    if (offset === reading.last.offset) return reading.last;
    if (offset !== reading.last.offset + reading.last.bytes.length) throw gone();
    if (reading.open === undefined) throw gone();
    this.#keep(id, reading);
    const { bytes, last } = await reading.open.reader.next();
    reading.last = { reading: id, offset, bytes, last };
    if (last) await close(reading);
    return reading.last;
  }

  async #begin(): Promise<StatePiece> {
    const open = [...this.#readings.values()].filter((reading) => reading.open !== undefined);
    if (open.length >= limits.stateReadings)
      throw new QuarryError("Busy", "other backups are being taken; try again later");
    await this.#options.group.readBarrier();
    await using owned = new AsyncDisposableStack();
    const state = owned.use(this.#options.group.state.snapshot());
    const reader = new RowReader(state);
    owned.defer(() => reader.close());
    const id = this.#options.random.u32() + 1;
    const last: StatePiece = { reading: id, offset: 0, ...(await reader.next()) };
    const goesOn = last.last ? undefined : { reader, state };
    if (goesOn !== undefined) owned.move();
    const reading: Reading = { open: goesOn, last, timer: undefined };
    this.#readings.set(id, reading);
    this.#keep(id, reading);
    return last;
  }

  #keep(id: number, reading: Reading): void {
    reading.timer?.cancel();
    reading.timer = this.#options.clock.after(limits.stateReadingMs, () => {
      this.#tail = this.#tail.then(() => this.#release(id));
    });
  }

  async #release(id: number): Promise<void> {
    const reading = this.#readings.get(id);
    this.#readings.delete(id);
    reading?.timer?.cancel();
    if (reading !== undefined) await close(reading);
  }
}

async function close(reading: Reading): Promise<void> {
  const { open } = reading;
  reading.open = undefined;
  await open?.reader.close();
  await open?.state[Symbol.asyncDispose]();
}

const gone = () =>
  new QuarryError(
    "Changed",
    "the nameserver that was being read leads no more, or waited too long; begin anew",
  );
