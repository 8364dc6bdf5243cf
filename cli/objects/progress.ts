/** A bar on the terminal that says how far a transfer is; silent where nobody looks. */
import { type Clock, systemClock } from "../../base/clock.ts";
import { formatBytes, formatSeconds } from "./printable.ts";

const DRAW_EVERY_MS = 200;
/** The rate shown is that of about the last five seconds. */
const RATE_HALF_LIFE_MS = 3_000;
const BAR_CHARS = 24;
/** Of a bar that is shorter nobody can tell anything. */
const SHORTEST_BAR_CHARS = 6;
/** From here on a pace in files says more than one in bytes. */
const SMALL_FILE_BYTES = 64 * 1024;

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress implements Disposable {
  readonly #clock: Clock;
  readonly #terminal: Terminal;
  readonly #shown: boolean;
  readonly #startedMs: number;
  #drawnMs: number;
  #drawnBytes = 0;
  #bytesPerMs = 0;
  #total: { bytes: number; files: number; final: boolean } = { bytes: 0, files: 0, final: false };
  files = 0;
  bytes = 0;

  constructor(shown: boolean, terminal: Terminal = process.stderr, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#terminal = terminal;
    this.#shown = shown && terminal.isTTY === true;
    this.#startedMs = clock.monotonicMs();
    this.#drawnMs = this.#startedMs;
  }

  /** More to do has been found. */
  expect(bytes: number, files = 1): void {
    this.#total.bytes += bytes;
    this.#total.files += files;
  }

  /** Everything to do has been found: from now on the time left can be told. */
  allFound(): void {
    this.#total.final = true;
  }

  add(bytes: number, files = 0): void {
    this.bytes += bytes;
    this.files += files;
    if (!this.#shown) return;
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#drawnMs;
    if (passedMs < DRAW_EVERY_MS) return;
    const rate = (this.bytes - this.#drawnBytes) / passedMs;
    const weight = this.#drawnBytes === 0 ? 1 : 1 - 2 ** (-passedMs / RATE_HALF_LIFE_MS);
    this.#bytesPerMs += (rate - this.#bytesPerMs) * weight;
    this.#drawnMs = nowMs;
    this.#drawnBytes = this.bytes;
    const columns = (this.#terminal.columns ?? 80) - 1;
    this.#terminal.write(`\r\x1b[K${this.line(columns).slice(0, columns)}`);
  }

  /** `[=====>    ]  43% 2.1 GiB of 5.0 GiB, 180.0 MiB/s, 0:16 left, 3 of 12 files`. */
  line(columns: number): string {
    const { bytes, files, final } = this.#total;
    const rate = `${formatBytes(Math.round(this.#bytesPerMs * 1000))}/s`;
    const count = files > 1 ? `, ${this.files} of ${files}${final ? "" : "+"} files` : "";
    const sum = `${formatBytes(this.bytes)} of ${formatBytes(bytes)}${final ? "" : "+"}`;
    if (!final || bytes === 0) return `${sum}, ${rate}${count}`;
    const part = Math.min(this.bytes / bytes, 1);
    const left =
      this.#bytesPerMs > 0
        ? `, ${formatSeconds((bytes - this.bytes) / this.#bytesPerMs / 1000)} left`
        : "";
    const words = `${String(Math.floor(part * 100)).padStart(3)}% ${sum}, ${rate}${left}${count}`;
    return barOf(part, columns - words.length - 3) + words;
  }

  /** Removes the bar, so that other lines can be written; the next `add` draws it again. */
  clear(): void {
    if (this.#shown) this.#terminal.write("\r\x1b[K");
  }

  seconds(): number {
    return Math.max((this.#clock.monotonicMs() - this.#startedMs) / 1000, 0.001);
  }

  /** `3.4 MiB in 0:02 (1.2 MiB/s)`; of many small files `106 KiB in 0:23 (4.5 KiB/s, 868 files/s)`. */
  summary(): string {
    const seconds = this.seconds();
    const small =
      this.files >= seconds && this.files > 1 && this.bytes < this.files * SMALL_FILE_BYTES;
    const pace = small ? `, ${Math.round(this.files / seconds)} files/s` : "";
    return `${formatBytes(this.bytes)} in ${formatSeconds(seconds)} (${formatBytes(Math.round(this.bytes / seconds))}/s${pace})`;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** As long as there is room; the words matter more. */
function barOf(part: number, room: number): string {
  const chars = Math.min(room, BAR_CHARS);
  if (chars < SHORTEST_BAR_CHARS) return "";
  const filled = Math.round(part * chars);
  return `[${`${"=".repeat(filled)}>`.slice(0, chars).padEnd(chars)}] `;
}
