/** `quarry crush decompile`: JSON to text. */
import { Command } from "commander";
import { decompile } from "../../crush/text/decompile.ts";
import { readMap, writeLines } from "./map-file.ts";

export function decompileCommand(): Command {
  return new Command("decompile")
    .description("print a JSON map as text, as `crushtool -d` would")
    .argument("<map>", "JSON map (a text map is put in order), or - for standard input")
    .option("-o, --output <file>", "write here instead of standard output")
    .action(async (path: string, options: { output?: string }) => {
      const text = decompile(await readMap(path));
      await writeLines([text.replace(/\n$/, "")], options.output);
    });
}
