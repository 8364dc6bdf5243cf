/** An entry of the log that holds a command. */
import type { LogIndex, Term } from "../../base/ids.ts";
import { type AnyCommand, encodeCommand } from "../../nameserver/command.ts";
import type { Entry } from "../../raft/entry.ts";

export function commandEntry(index: number, timeMs: number, command: AnyCommand): Entry {
  return {
    index: index as LogIndex,
    term: 1 as Term,
    timeMs,
    kind: "command",
    session: 0,
    sequence: 0,
    data: encodeCommand(command),
  };
}
