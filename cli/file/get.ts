/** `quarry file get`: fetches a file by its name, into a file or to the output. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import type { OpenFid } from "../../client/fids/fids.ts";
import { printable } from "../objects/printable.ts";
import type { Report } from "../objects/report.ts";
import { counted } from "./put.ts";
import { type FileFlags, onStore, parseStored, withFileOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry file get shop/T19RETByJT1RXrhCrK.jpg --store data      # into ./T19RETByJT1RXrhCrK.jpg
  quarry file get shop/T19RETByJT1RXrhCrK.jpg cat.jpg --store data
  quarry file get backups/L19RETByJT1RCvBVdK - --cluster cluster | psql`;

export function getCommand(): Command {
  return withFileOptions(new Command("get").description("fetch a file by its name"))
    .argument("<bucket/name>")
    .argument("[file]", "file, or - for the output; default its name")
    .addHelpText("after", EXAMPLES)
    .action(get);
}

async function get(from: string, file: string | undefined, flags: FileFlags): Promise<void> {
  const { bucket, name } = parseStored(from);
  const into = file ?? name;
  await onStore(flags, async ({ fids }, report) => {
    using open = await fids.fetch(bucket, name);
    report.progress.expect(open.lengthBytes);
    report.progress.allFound();
    if (into === "-") {
      await pipeline(bytesOf(open, report), process.stdout, { end: false });
      return;
    }
    await toFile(open, into, report);
    report.result(`fetched ${name} into ${printable(into)}: ${report.progress.summary()}`, {
      ...{ name, bucket, file: into, bytes: open.lengthBytes },
    });
  });
}

/** Copies, since each view is good only until the next is asked for. */
function bytesOf(open: OpenFid, { progress }: Report): Readable {
  async function* copied(): AsyncGenerator<Buffer> {
    for await (const view of counted(progress, open.read(0, open.lengthBytes)))
      yield Buffer.from(view);
  }
  return Readable.from(copied(), { objectMode: false });
}

/** Under its name stands what was there before, or all of it. */
async function toFile(open: OpenFid, into: string, report: Report): Promise<void> {
  const partial = `${into}.part`;
  try {
    await pipeline(bytesOf(open, report), createWriteStream(partial));
    await rename(partial, into);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
