/** An entry of the log that holds a command. */
import type { LogIndex, Term } from "../../base/ids.ts";
import { type AnyCommand, encodeCommand } from "../../nameserver/command.ts";
import { NOT_ONCE } from "../../nameserver/group/group.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Once } from "../../rpc/commands.ts";

export function commandEntry(
  index: number,
  timeMs: number,
  command: AnyCommand,
  once: Once = NOT_ONCE,
): Entry {
  return {
    index: index as LogIndex,
    term: 1 as Term,
    timeMs,
    kind: "command",
    ...once,
    data: encodeCommand(command),
  };
}
