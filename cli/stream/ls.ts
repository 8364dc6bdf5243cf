/** `quarry stream ls`: the files of a bucket, by name, of each the oldest revision first. */
import { Command } from "commander";
import type { GridFSFile } from "../../client/streams/file.ts";
import { formatBytes, printable } from "../objects/printable.ts";
import { fieldsOf, onBucket, parseTarget, type StreamFlags, withStreamOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry stream ls videos --store data
  quarry stream ls videos/film.mp4 --store data       # its revisions
  quarry stream ls --json videos --store data | jq .id`;

interface LsFlags extends StreamFlags {
  readonly human?: true;
}

export function lsCommand(): Command {
  return withStreamOptions(new Command("ls").description("list files, or the revisions of one"))
    .argument("<bucket[/filename]>")
    .option("-H, --human", "sizes as 1.5 MiB")
    .addHelpText("after", EXAMPLES)
    .action(async (at: string, flags: LsFlags) => {
      const { bucket, filename } = parseTarget(at);
      await onBucket(flags, bucket, async (files, report) => {
        const cursor =
          filename === ""
            ? files.find().sort({ filename: 1, uploadDate: 1 })
            : files.find({ filename }).sort({ uploadDate: 1 });
        for await (const file of cursor) report.result(line(file, flags), fieldsOf(file));
      });
    });
}

function line(file: GridFSFile, { human }: LsFlags): string {
  const size = human === true ? formatBytes(file.length) : String(file.length);
  const { id } = fieldsOf(file);
  const name = file.filename ?? "";
  return `${file.uploadDate.toISOString()}  ${size.padStart(14)}  ${printable(id)}  ${printable(name)}`;
}
