/** `quarry crush`: placement maps, for those who plan a cluster or know Ceph. */
import { Command } from "commander";
import { compileCommand } from "./compile.ts";
import { decompileCommand } from "./decompile.ts";
import { statsCommand } from "./stats.ts";
import { testCommand } from "./test-command.ts";
import { treeCommand } from "./tree.ts";
import { whatifCommand } from "./whatif.ts";

export function crushCommand(): Command {
  const command = new Command("crush").description(
    "read, test and plan CRUSH maps (Ceph's text format, or JSON as of `ceph osd crush dump`)",
  );
  for (const each of [
    compileCommand(),
    decompileCommand(),
    testCommand(),
    treeCommand(),
    statsCommand(),
    whatifCommand(),
  ])
    command.addCommand(each);
  return command;
}
