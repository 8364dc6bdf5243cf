/**
 * What a command says: results on the output, errors and warnings on the error output; words for
 * people, or one JSON object a line for programs. What one object failed with does not stop the
 * others, but shows in the exit code.
 */
import { errorName, exitCodeOf, exitCodes } from "../exit-code.ts";
import { explain } from "../explain.ts";
import { printable } from "./printable.ts";
import { Progress } from "./progress.ts";

export interface ReportOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export class Report {
  readonly #options: ReportOptions;
  readonly progress: Progress;
  failures = 0;
  #codes = new Set<number>();

  constructor(options: ReportOptions) {
    this.#options = options;
    this.progress = new Progress(options.json !== true && options.quiet !== true);
  }

  /** Something that was asked for: always said. */
  result(words: string, fields: Fields): void {
    if (this.#options.json === true) this.#out(JSON.stringify(fields));
    else if (this.#options.quiet !== true) this.#out(words);
  }

  /** One step of many: said to programs, and to people who want to know. */
  step(words: () => string, fields: () => Fields): void {
    if (this.#options.json === true) this.#out(JSON.stringify(fields()));
    else if (this.#options.verbose === true) this.#out(words());
  }

  /** What a person might do next. */
  next(...commands: readonly string[]): void {
    if (this.#options.json === true || this.#options.quiet === true) return;
    for (const command of commands) this.#out(`  next: ${command}`);
  }

  /** `what` could not be done; the rest goes on. */
  failed(what: string, error: unknown): void {
    this.failures++;
    this.#codes.add(exitCodeOf(error));
    if (this.#options.json === true)
      this.#err(JSON.stringify({ error: errorName(error), what, message: explain(error) }));
    else this.#err(`quarry: ${printable(what)}: ${printable(explain(error))}`);
  }

  /** Worth knowing, no failure. */
  warn(message: string): void {
    if (this.#options.json === true) this.#err(JSON.stringify({ warning: message }));
    else this.#err(`quarry: ${printable(message)}`);
  }

  /** The exit code of a command that did all it could: its own when all failed for one reason. */
  finish(): void {
    if (this.failures === 0) return;
    const [only] = this.#codes;
    process.exitCode = this.#codes.size === 1 && only !== undefined ? only : exitCodes.failed;
  }

  #out(line: string): void {
    this.progress.clear();
    process.stdout.write(`${line}\n`);
  }

  #err(line: string): void {
    this.progress.clear();
    process.stderr.write(`${line}\n`);
  }
}
