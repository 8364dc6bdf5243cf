/**
 * The terminal of a running cluster: its table, redrawn in place; below it what happened last; at the
 * bottom a prompt. What stood on the terminal before is there again afterwards.
 */
import { createInterface, type Interface } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import { printable } from "../objects/printable.ts";

const KEPT_LINES = 200;
const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;
/** What is there in any case between table and prompt. */
const LEAST_SAID = 3;

export interface ScreenOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** Somebody typed a line. */
  readonly typed: (line: string) => void;
  /** Ctrl-C, or the end of the input. */
  readonly interrupted: () => void;
}

export class Screen implements Disposable {
  readonly #output: WriteStream;
  readonly #readline: Interface;
  #table: readonly string[] = [];
  #said: string[] = [];
  #isClosed = false;
  readonly #redraw = () => this.#draw();

  constructor({ input, output, typed, interrupted }: ScreenOptions) {
    this.#output = output;
    output.write("\x1b[?1049h");
    this.#readline = createInterface({ input, output, terminal: true, prompt: "> " });
    this.#readline.on("line", (line) => {
      typed(line);
      this.#draw();
    });
    this.#readline.on("SIGINT", interrupted);
    this.#readline.on("close", () => {
      if (!this.#isClosed) interrupted();
    });
    output.on("resize", this.#redraw);
    this.#draw();
  }

  show(table: readonly string[]): void {
    this.#table = table;
    this.#draw();
  }

  say(text: string): void {
    this.#said = [...this.#said, ...text.split("\n")].slice(-KEPT_LINES);
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#output.off("resize", this.#redraw);
    this.#readline.close();
    this.#output.write("\x1b[?1049l");
  }

  #draw(): void {
    if (this.#isClosed) return;
    const { rows = DEFAULT_ROWS, columns = DEFAULT_COLUMNS } = this.#output;
    const table = this.#table.map((line) => printable(line).slice(0, columns - 1));
    const said = this.#said.flatMap((line) => wrapped(printable(line), columns - 1));
    const lines = layout(table, said, rows - 1);
    this.#output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K\r\n`).join("")}\x1b[J`);
    this.#readline.prompt(true);
  }
}

/** A line in pieces that fit. */
export function wrapped(line: string, width: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < line.length; at += width) pieces.push(line.slice(at, at + width));
  return pieces.length === 0 ? [""] : pieces;
}

/** Lines above the prompt, at most `rows`: the table gives way to the newest of what was said. */
export function layout(
  table: readonly string[],
  said: readonly string[],
  rows: number,
): readonly string[] {
  const shown = table.slice(0, Math.max(0, rows - 1 - LEAST_SAID));
  const room = Math.max(0, rows - 1 - shown.length);
  return [...shown, "", ...(room === 0 ? [] : said.slice(-room))].slice(0, rows);
}
