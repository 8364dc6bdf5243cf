/** What a run has stored at an endpoint: so that it is stored once, and goes in the end. */
import { laneDrive, openLanes } from "./drive.ts";
import { fidClient } from "./fid-client.ts";
import { singles } from "./kinds/object-kind.ts";
import { leanClient } from "./lean-client.ts";
import type { Roles } from "./process-cost.ts";
import type { Client, Target } from "./request.ts";

const LANES = 32;
const REMOVAL_MS = 600_000;

/** A store that runs. */
export interface Measured {
  readonly name: string;
  readonly target: Target;
  roles(): Promise<Roles>;
  /** Begin of all keys of this run. */
  readonly run: string;
  readonly stored: Stored;
}

export class Stored {
  /** Folder → highest number of a key in it. */
  readonly #highest = new Map<string, number>();
  #folders = 0;
  /** Fids by the keys that the load has for them. */
  readonly fids = new Map<string, string>();

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
  async remove(target: Target): Promise<Removed> {
    const result = { failures: 0, why: "" };
    const keys = (folder: string, n: number) => `${folder}/${String(n).padStart(8, "0")}`;
    for (const [folder, highest] of this.#highest)
      await removeKeys(leanClient(target), highest + 1, (n) => keys(folder, n), result);
    this.#highest.clear();
    const fids = [...this.fids.keys()];
    if (fids.length > 0)
      await removeKeys(
        fidClient({ target, stored: this }),
        fids.length,
        (n) => fids[n] ?? "",
        result,
      );
    this.fids.clear();
    return result;
  }
}

interface Removed {
  failures: number;
  why: string;
}

async function removeKeys(
  client: Client,
  count: number,
  key: (n: number) => string,
  result: Removed,
): Promise<void> {
  const lanes = await openLanes(client, LANES);
  try {
    const request = (n: number) => ({ type: "delete", key: key(n) }) as const;
    const work = singles({ request, moves: () => ({ bytes: 0, keys: 0 }) }, count);
    const span = { from: 0, to: count, milliseconds: REMOVAL_MS };
    const { failures, firstFailure } = await laneDrive(lanes)(work, span);
    result.failures += failures;
    result.why ||= firstFailure ?? "";
  } finally {
    for (const lane of lanes) lane[Symbol.dispose]();
  }
}
