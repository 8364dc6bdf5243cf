/** The `quarry` program: one command a file, errors in words. */
import { Command } from "commander";
import { adminCommand } from "./admin/command.ts";
import { crushCommand } from "./crush/command.ts";
import { erasureCommand } from "./erasure/command.ts";
import { explain } from "./explain.ts";
import { getCommand } from "./objects/get.ts";
import { lsCommand } from "./objects/ls.ts";
import { mbCommand } from "./objects/mb.ts";
import { putCommand } from "./objects/put.ts";
import { rmCommand } from "./objects/rm.ts";
import { undeleteCommand } from "./objects/undelete.ts";
import { serveCommand } from "./serve/command.ts";

const program = new Command("quarry")
  .description("A distributed object and file store that speaks S3.")
  .version("0.1.0")
  .showHelpAfterError("(--help shows what there is)")
  .addHelpText("after", "\nStart with: quarry serve");

for (const command of [
  serveCommand(),
  mbCommand(),
  putCommand(),
  getCommand(),
  lsCommand(),
  rmCommand(),
  undeleteCommand(),
  adminCommand(),
  crushCommand(),
  erasureCommand(),
])
  program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  console.error(`quarry: ${explain(error)}`);
  process.exitCode = 1;
}
