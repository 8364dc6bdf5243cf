/** `quarry file put`: stores a file, or the standard input, and says its name. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { printable } from "../objects/printable.ts";
import type { Progress } from "../objects/progress.ts";
import { storeFlags } from "../peers.ts";
import { type FileFlags, onStore, withFileOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry file put cat.jpg shop --store data                # T1….jpg
  quarry file put cat.jpg shop --store data --suffix ''    # without a suffix
  pg_dump shop | quarry file put - backups --cluster cluster`;

interface PutFlags extends FileFlags {
  readonly suffix?: string;
  readonly large?: true;
}

export function putCommand(): Command {
  return withFileOptions(
    new Command("put").description("store a file, or the standard input (-); says its name"),
  )
    .argument("<file>", "file, or - for the standard input")
    .argument("<bucket>")
    .option("--suffix <text>", "what the name ends with; default the end of the file's name")
    .option("--large", "give it an L name, which is an object of the bucket, too")
    .addHelpText("after", EXAMPLES)
    .action(put);
}

async function put(source: string, bucket: string, flags: PutFlags): Promise<void> {
  const isInput = source === "-";
  const found = isInput ? undefined : await stat(source);
  if (found?.isDirectory() === true)
    throw new QuarryError("InvalidArgument", `${source} is a folder; a fid names one file`);
  const suffix = flags.suffix ?? (isInput ? "" : extname(source));
  await onStore(flags, async ({ fids }, report) => {
    report.progress.expect(found?.size ?? 0);
    if (found !== undefined) report.progress.allFound();
    const input = isInput ? process.stdin : createReadStream(source, { highWaterMark: 1 << 18 });
    const { name, kind } = await fids.store(
      { bucket, suffix, ...(flags.large === true && { large: true }) },
      {
        bytes: counted(report.progress, input),
        ...(found?.isFile() === true && { lengthBytes: found.size }),
      },
    );
    report.result(`stored ${printable(source)} as ${name}: ${report.progress.summary()}`, {
      ...{ name, kind, bucket, file: source, bytes: report.progress.bytes },
    });
    report.next(`quarry file get ${bucket}/${name}${storeFlags(flags)}`);
  });
}

/** Passes bytes on, and tells the bar of them. */
export async function* counted(
  progress: Progress,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const one of bytes) {
    progress.add(one.length);
    yield one;
  }
}
