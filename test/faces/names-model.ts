/**
 * What names of all faces may hold, in a store that is killed. Each name has one owner, who does one
 * thing at a time with it, so its history is a line; only a link may read a name of somebody else.
 */

/** SHA-256 of the content, or undefined for "not there". */
export type Held = string | undefined;

interface History {
  held: Held;
  /** Outcomes of what was under way when the store died. */
  readonly possible: Set<Held>;
  /** It may be a link to any content that this name ever had. */
  linkedTo: History | undefined;
  /** All that was ever given to it, and what it was ever linked to. */
  readonly ever: Set<string>;
  readonly sources: Set<History>;
  /** What was done with it last, for complaints. */
  readonly log: string[];
}

const LOG_LINES = 12;

/** An operation under way. */
export interface Begun {
  /** It is answered: this is what the name holds. */
  done(held: Held): void;
  /** It certainly did not happen. */
  refused(): void;
}

export class NamesModel {
  readonly #names = new Map<string, History>();
  operations = 0;
  /** Names that the store may have given to somebody who did not live to hear them. */
  unnamed = 0;
  lost = 0;
  wrong = 0;
  readonly complaints: string[] = [];

  names(): string[] {
    return [...this.#names.keys()];
  }

  /** Undefined, too, while it is not known. */
  held(name: string): Held {
    const history = this.#names.get(name);
    return history !== undefined && this.isKnown(name) ? history.held : undefined;
  }

  isKnown(name: string): boolean {
    const { possible, linkedTo } = this.#of(name);
    return possible.size === 0 && linkedTo === undefined;
  }

  begin(name: string, outcome: Held): Begun {
    const history = this.#of(name);
    note(history, `begin ${said(outcome)}`);
    history.possible.add(outcome);
    if (outcome !== undefined) history.ever.add(outcome);
    return this.#begun(history, () => history.possible.delete(outcome));
  }

  /** The source may change meanwhile, so which of its contents it will be is not known. */
  beginLink(name: string, from: string): Begun {
    const history = this.#of(name);
    note(history, `link to ${from}`);
    history.linkedTo = this.#of(from);
    history.sources.add(history.linkedTo);
    return this.#begun(history, () => {
      history.linkedTo = undefined;
    });
  }

  #begun(history: History, undo: () => void): Begun {
    return {
      done: (held) => {
        undo();
        note(history, `done ${said(held)}`);
        history.held = held;
        if (held !== undefined) history.ever.add(held);
        this.operations++;
      },
      refused: () => {
        note(history, "refused");
        undo();
      },
    };
  }

  /** What a read found is what it holds from now on. */
  observe(name: string, found: Held): void {
    const history = this.#of(name);
    const { held, possible, linkedTo } = history;
    const isLinked = found !== undefined && linkedTo !== undefined && everHeld(linkedTo, found);
    if (found !== held && !possible.has(found) && !isLinked) {
      if (found === undefined) this.lost++;
      else this.wrong++;
      const others = [...possible].map(said).join(", ");
      this.complain(
        `${name} holds ${said(found)}, not ${said(held)} (possible: ${others}) after ${history.log.join(", ")}`,
      );
    }
    note(history, `found ${said(found)}`);
    history.held = found;
    if (found !== undefined) history.ever.add(found);
    possible.clear();
    history.linkedTo = undefined;
  }

  complain(text: string): void {
    if (this.complaints.length < 100) this.complaints.push(text);
  }

  #of(name: string): History {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const fresh: History = {
      ...{ held: undefined, linkedTo: undefined },
      ...{ possible: new Set<Held>(), ever: new Set<string>(), sources: new Set(), log: [] },
    };
    this.#names.set(name, fresh);
    return fresh;
  }
}

/** A source may have been linked itself, and not been read yet. */
function everHeld(history: History, sum: string, seen = new Set<History>()): boolean {
  if (seen.has(history)) return false;
  seen.add(history);
  return history.ever.has(sum) || [...history.sources].some((one) => everHeld(one, sum, seen));
}

function note({ log }: History, what: string): void {
  log.push(what);
  if (log.length > LOG_LINES) log.shift();
}

const said = (held: Held) => held?.slice(0, 12) ?? "nothing";
