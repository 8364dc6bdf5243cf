/** What a run has stored at an endpoint: so that it is stored once, and goes in the end. */
import { laneDrive, openLanes } from "./drive.ts";
import { singles } from "./kinds/object-kind.ts";
import { leanClient } from "./lean-client.ts";
import type { Target } from "./request.ts";

const LANES = 32;

/** A store that runs. */
export interface Measured {
  readonly name: string;
  readonly target: Target;
  /** Roots of its processes; none where they are not known. */
  readonly pids: readonly number[];
  /** Begin of all keys of this run. */
  readonly run: string;
  readonly stored: Stored;
}

export class Stored {
  /** Folder → highest number of a key in it. */
  readonly #highest = new Map<string, number>();
  #folders = 0;

  /** A folder that no other measurement has. */
  nextFolder(near: string): string {
    this.#folders++;
    return `${near}-${this.#folders}`;
  }

  note(folder: string, n: number): void {
    if (n > (this.#highest.get(folder) ?? -1)) this.#highest.set(folder, n);
  }

  has(folder: string): boolean {
    return this.#highest.has(folder);
  }

  count(folder: string): number {
    return (this.#highest.get(folder) ?? -1) + 1;
  }

  /** Deletes it all. Returns how many deletions the store refused, and why. */
  async remove(target: Target): Promise<{ readonly failures: number; readonly why?: string }> {
    const lanes = await openLanes(leanClient(target), LANES);
    const result = { failures: 0, why: "" };
    try {
      for (const [folder, highest] of this.#highest) {
        const work = singles(
          {
            request: (n) => ({ type: "delete", key: `${folder}/${String(n).padStart(8, "0")}` }),
            moves: () => ({ bytes: 0, keys: 0 }),
          },
          highest + 1,
        );
        const span = { from: 0, to: highest + 1, milliseconds: 600_000 };
        const { failures, firstFailure } = await laneDrive(lanes)(work, span);
        result.failures += failures;
        result.why ||= firstFailure ?? "";
      }
    } finally {
      for (const lane of lanes) lane[Symbol.dispose]();
    }
    this.#highest.clear();
    return result;
  }
}
