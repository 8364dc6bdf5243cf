/** The leader's own entries, and who gets them. */
import type { LogIndex, NodeId } from "../base/ids.ts";
import { type Configuration, everybody } from "./configuration.ts";
import { encodeConfiguration } from "./configuration-codec.ts";
import { type Core, configurationNow } from "./core.ts";
import { type Entry, type EntryKind, entryBytes, NO_DATA } from "./entry.ts";
import type { LeaderRole } from "./leader-role.ts";
import { Progress } from "./progress.ts";

const NO_CONTENT = { session: 0, sequence: 0, data: NO_DATA };

/** Puts an entry at the end of the log; the owner's next `take` sends it out. */
export function appendOwn(
  core: Core,
  leader: LeaderRole,
  kind: EntryKind,
  content: Pick<Entry, "session" | "sequence" | "data"> = NO_CONTENT,
): Entry {
  const { session, sequence, data } = content;
  const entry: Entry = {
    index: (core.log.lastIndex + 1) as LogIndex,
    term: core.term,
    // Whole, as the log keeps it: who applies it from memory and who reads it again see the same.
    timeMs: Math.max(Math.floor(core.now.wallMs), core.log.lastTimeMs),
    kind,
    session,
    sequence,
    data,
  };
  core.log.append(entry);
  leader.uncommittedBytes += entryBytes(entry);
  return entry;
}

/** A configuration takes effect as it enters the log. */
export function appendConfiguration(
  core: Core,
  leader: LeaderRole,
  configuration: Configuration,
): Entry {
  const data = encodeConfiguration(configuration);
  const entry = appendOwn(core, leader, "configuration", { ...NO_CONTENT, data });
  core.configurations.appended(entry);
  syncPeers(core, leader);
  return entry;
}

/** Everybody in the configuration gets the log. Who left it gets it until that is committed. */
export function syncPeers(core: Core, leader: LeaderRole): void {
  for (const id of everybody(configurationNow(core)))
    if (id !== core.id && !leader.peers.has(id))
      leader.peers.set(id, new Progress((core.log.lastIndex + 1) as LogIndex, core.now.steadyMs));
}

/** The progress of a member that answers; hearing from it is noted. */
export function peerOf({ role, now }: Core, from: NodeId): Progress | undefined {
  const peer = role.kind === "leader" ? role.peers.get(from) : undefined;
  if (peer !== undefined) peer.contactMs = now.steadyMs;
  return peer;
}
