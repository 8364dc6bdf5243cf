/** `quarry crush compile`: text to JSON. */
import { Command } from "commander";
import { dump } from "../../crush/dump.ts";
import { readMap, writeLines } from "./map-file.ts";

export function compileCommand(): Command {
  return new Command("compile")
    .description("check a text map and print it as JSON, in the shape of `ceph osd crush dump`")
    .argument("<map>", "text map, or - for standard input")
    .option("-o, --output <file>", "write here instead of standard output")
    .action(async (path: string, options: { output?: string }) => {
      await writeLines([JSON.stringify(dump(await readMap(path)), null, 2)], options.output);
    });
}
