/** A line on the terminal that says how far a transfer is; silent where nobody looks. */
import { systemClock } from "../../base/clock.ts";

const DRAW_EVERY_MS = 200;

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export class Progress implements Disposable {
  readonly #what: string;
  readonly #startedMs = systemClock.monotonicMs();
  readonly #shown = process.stderr.isTTY === true;
  #drawnMs = 0;
  files = 0;
  bytes = 0;

  constructor(what: string) {
    this.#what = what;
  }

  add(bytes: number, files = 0): void {
    this.bytes += bytes;
    this.files += files;
    const nowMs = systemClock.monotonicMs();
    if (!this.#shown || nowMs - this.#drawnMs < DRAW_EVERY_MS) return;
    this.#drawnMs = nowMs;
    process.stderr.write(`\r\x1b[K${this.summary()}`);
  }

  /** `12 files, 3.4 MiB, 1.2 MiB/s`. */
  summary(): string {
    const seconds = Math.max((systemClock.monotonicMs() - this.#startedMs) / 1000, 0.001);
    const count = `${this.files} ${this.files === 1 ? "file" : "files"}`;
    return `${this.#what} ${count}, ${formatBytes(this.bytes)}, ${formatBytes(Math.round(this.bytes / seconds))}/s`;
  }

  [Symbol.dispose](): void {
    if (this.#shown) process.stderr.write("\r\x1b[K");
  }
}
