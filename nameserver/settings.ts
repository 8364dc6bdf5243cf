/** Settings are state: a command changes them for every replica at the same entry. */
import { defaultSettings } from "./apply/context.ts";
import type { Group } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";
import type { Worker } from "./workers/worker.ts";

export interface Settings {
  /** How long deleted and overwritten names are held; default: as before, at first one hour. */
  readonly holdMs?: number;
  /** How long a pending blob may stay without a name; default: as before, at first 24 hours. */
  readonly pendingMs?: number;
}

export async function configure(group: Group, options: Settings): Promise<void> {
  const now = read(group.state, keys.settings()) ?? defaultSettings;
  const holdMs = options.holdMs ?? now.holdMs;
  const pendingMs = options.pendingMs ?? now.pendingMs;
  if (holdMs !== now.holdMs || pendingMs !== now.pendingMs)
    await group.propose({ type: "configure", holdMs, pendingMs });
}

/** In a group whoever leads sees to the settings. */
export function settingsWorker(group: Group, options: Settings): Worker {
  return {
    name: "settings",
    async step() {
      await configure(group, options);
      return false;
    },
  };
}
