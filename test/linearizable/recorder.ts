/**
 * Histories of many keys while they are made. A key whose time is over is judged as soon as nothing
 * is under way on it, and then forgotten: the memory is that of the keys in use, however long it runs.
 */
import { assert } from "../../base/errors.ts";
import type { Answer, Operation, Request } from "./history.ts";
import { judge } from "./linearizable.ts";

interface KeyHistory {
  readonly operations: Operation[];
  underWay: number;
  isOver: boolean;
}

export type Begun = Pick<Operation, "client" | "key" | "request" | "beganAt">;

export class Recorder {
  /** Operations that were judged, and keys. */
  operations = 0;
  judged = 0;
  /** Keys of which the search did not find out. */
  undecided = 0;
  /** Histories that nothing explains, printed. */
  readonly wrong: string[] = [];
  /** Order in this process is order in time: it is the only one that asks. */
  #clock = 0;
  readonly #keys = new Map<string, KeyHistory>();

  /** Keys that are not judged yet. */
  get keys(): number {
    return this.#keys.size;
  }

  begin(client: number, key: string, request: Request): Begun {
    const history = this.#keys.get(key) ?? { operations: [], underWay: 0, isOver: false };
    this.#keys.set(key, history);
    history.underWay++;
    return { client, key, request, beganAt: ++this.#clock };
  }

  /** `open`: it was not answered, and may take effect at any time; `none`: it certainly never will. */
  end(begun: Begun, answer: Answer | "open" | "none"): void {
    const history = this.#keys.get(begun.key);
    assert(history !== undefined, "a key is kept while something is under way on it");
    history.underWay--;
    if (answer === "open")
      history.operations.push({ ...begun, endedAt: Infinity, answer: undefined });
    else if (answer !== "none")
      history.operations.push({ ...begun, endedAt: ++this.#clock, answer });
    this.#settle(begun.key, history);
  }

  /** Nothing more will begin on this key. */
  over(key: string): void {
    const history = this.#keys.get(key);
    if (history === undefined) return;
    history.isOver = true;
    this.#settle(key, history);
  }

  #settle(key: string, { isOver, underWay, operations }: KeyHistory): void {
    if (!isOver || underWay > 0) return;
    this.#keys.delete(key);
    this.judged++;
    this.operations += operations.length;
    const verdict = judge(operations);
    if (verdict === "undecided") this.undecided++;
    if (verdict === "wrong") this.wrong.push(printed(key, operations));
  }
}

function printed(key: string, operations: readonly Operation[]): string {
  const lines = operations
    .toSorted((a, b) => a.beganAt - b.beganAt)
    .map(({ client, beganAt, endedAt, request, answer }) => {
      const told = answer === undefined ? "no answer" : JSON.stringify(answer);
      return `  ${beganAt}…${endedAt} client ${client} ${JSON.stringify(request)}: ${told}`;
    });
  return `no order explains what clients saw of ${key}:\n${lines.join("\n")}`;
}
