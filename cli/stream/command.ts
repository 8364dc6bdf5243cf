/** `quarry stream`: files under names with revisions, as GridFS has them. */
import { Command } from "commander";
import { getCommand } from "./get.ts";
import { lsCommand } from "./ls.ts";
import { putCommand } from "./put.ts";
import { rmCommand } from "./rm.ts";

export function streamCommand(): Command {
  return new Command("stream")
    .description("files as GridFS has them: names with revisions (docs/faces.md)")
    .addCommand(putCommand())
    .addCommand(getCommand())
    .addCommand(lsCommand())
    .addCommand(rmCommand())
    .addHelpText(
      "after",
      "\nSay which store: --store with the folder of `quarry serve`, --cluster with that of `quarry cluster`, or --nameservers and --secret-file.",
    );
}
