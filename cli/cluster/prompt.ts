/** What is typed at the prompt of a running cluster: the orders of the command line, and `quit`. */
import { Command, CommanderError } from "commander";
import { explain } from "../explain.ts";
import { type Order, orderCommands } from "./orders.ts";

export interface PromptOptions {
  readonly carryOut: (order: Order) => Promise<string[]>;
  readonly say: (text: string) => void;
  readonly quit: () => void;
}

/** Whatever goes wrong is said. */
export async function obey(line: string, { carryOut, say, quit }: PromptOptions): Promise<void> {
  const words = line.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return;
  const write = (text: string) => say(text.trimEnd());
  // Anew each time: a command keeps what it was given.
  const program = new Command("cluster")
    .usage("- type one of these:")
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  const commands = orderCommands(async (order) => {
    for (const told of await carryOut(order)) say(told);
  });
  commands.push(new Command("quit").description("stop the cluster, as Ctrl-C").action(quit));
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    // Commander has said already what is wrong with the words.
    if (!(error instanceof CommanderError)) say(explain(error));
  }
}
