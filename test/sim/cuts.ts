/**
 * What the log made of the keys that clients look at, so that a listing can be judged: it must show
 * all keys as of one index, and that index is no older than what was acknowledged before it began.
 */
import type { AnyCommand } from "../../nameserver/command.ts";
import type { Seen } from "../linearizable/history.ts";

/** The bucket that clients with a history use. */
export const WATCHED = "watched";

interface Effect {
  readonly index: number;
  readonly seen: Seen;
}

export class Cuts {
  readonly #effects = new Map<string, Effect[]>();
  readonly #puts = new Map<string, number>();

  add(index: number, command: AnyCommand): void {
    if (command.type !== "putObject" && command.type !== "deleteObject") return;
    if (command.bucket !== WATCHED) return;
    const seen = command.type === "putObject" ? command.attributes.etag : null;
    const effects = this.#effects.get(command.key) ?? [];
    effects.push({ index, seen });
    this.#effects.set(command.key, effects);
    if (seen !== null) this.#puts.set(seen, index);
  }

  /** Where the write of this ETag stands in the log, if it took effect. */
  indexOf(etag: string): number | undefined {
    return this.#puts.get(etag);
  }

  /** Whether `listed` is all keys with the prefix as of one index in `from` … `to`. */
  isCut(prefix: string, listed: ReadonlyMap<string, string>, from: number, to: number): boolean {
    if ([...listed.keys()].some((key) => !this.#effects.has(key))) return false;
    let possible: [number, number][] = [[from, to]];
    for (const [key, effects] of this.#effects) {
      if (!key.startsWith(prefix)) continue;
      const held = spans(effects, listed.get(key) ?? null);
      possible = possible.flatMap(([a, b]) =>
        held
          .map(([c, d]): [number, number] => [Math.max(a, c), Math.min(b, d)])
          .filter(([c, d]) => c <= d),
      );
    }
    return possible.length > 0;
  }
}

/** The indexes, first and last, between which a key was as it was seen. */
function spans(effects: readonly Effect[], seen: Seen): [number, number][] {
  const all = [{ index: 0, seen: null }, ...effects];
  return all.flatMap((effect, i): [number, number][] => {
    const end = (all[i + 1]?.index ?? Infinity) - 1;
    return effect.seen === seen ? [[effect.index, end]] : [];
  });
}
