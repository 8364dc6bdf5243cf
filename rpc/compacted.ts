/** The answer of a nameserver that no longer has the changes that a watcher asks for. */
import { QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";

/** Read what is there now, and go on from the revision of that. */
export class Compacted extends QuarryError {
  /** Changes after this revision are still there. */
  readonly oldest: LogIndex;
  constructor(oldest: LogIndex) {
    super(
      "Compacted",
      `this nameserver has only the changes after revision ${oldest}: read what is there now and go on from there`,
    );
    this.oldest = oldest;
  }
}

/** Rebuilds it from the fields of a failure behind its code and message. */
export function compactedFrom(details: readonly unknown[]): Compacted | undefined {
  const [oldest] = details;
  return Number.isSafeInteger(oldest) ? new Compacted(oldest as LogIndex) : undefined;
}
