/** `quarry file`: files by fid, whose names say where they are. */
import { Command } from "commander";
import { getCommand } from "./get.ts";
import { infoCommand } from "./info.ts";
import { putCommand } from "./put.ts";
import { rmCommand } from "./rm.ts";

export function fileCommand(): Command {
  return new Command("file")
    .description("files by fid: names that say where they are (docs/faces.md)")
    .addCommand(putCommand())
    .addCommand(getCommand())
    .addCommand(infoCommand())
    .addCommand(rmCommand())
    .addHelpText(
      "after",
      "\nSay which store: --store with the folder of `quarry serve`, --cluster with that of `quarry cluster`, or --nameservers and --secret-file.",
    );
}
