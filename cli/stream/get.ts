/** `quarry stream get`: a revision of a filename, or a file by its id, into a file or to the output. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { Command, InvalidArgumentError } from "commander";
import type { GridFSBucket } from "../../client/streams/bucket.ts";
import type { GridFSBucketReadStream } from "../../client/streams/download-stream.ts";
import type { GridFSFile } from "../../client/streams/file.ts";
import { idOfKey } from "../../client/streams/id-key.ts";
import { printable } from "../objects/printable.ts";
import type { Report } from "../objects/report.ts";
import { counted } from "./put.ts";
import {
  fieldsOf,
  onBucket,
  parseStream,
  type StreamFlags,
  type StreamTarget,
  withStreamOptions,
} from "./target.ts";

const EXAMPLES = `
Examples:
  quarry stream get videos/film.mp4 --store data      # the newest, into ./film.mp4
  quarry stream get videos/film.mp4 old.mp4 --store data --revision 0
  quarry stream get backups/work.tar - --cluster cluster | tar t`;

export interface WhichFlags extends StreamFlags {
  readonly revision?: number;
  readonly id?: true;
}

export function withWhich(command: Command): Command {
  return command
    .option("--revision <n>", "0 is the oldest of the name, -1 the newest", parseRevision)
    .option("--id", "what stands behind the bucket is an id, not a filename");
}

export function getCommand(): Command {
  return withWhich(
    withStreamOptions(
      new Command("get").description("fetch a file by its name: its newest revision, or another"),
    ),
  )
    .argument("<bucket/filename>")
    .argument("[file]", "file, or - for the output; default the end of the filename")
    .addHelpText("after", EXAMPLES)
    .action(get);
}

async function get(from: string, file: string | undefined, flags: WhichFlags): Promise<void> {
  const target = parseStream(from);
  const into = file ?? basename(target.filename);
  await onBucket(flags, target.bucket, async (bucket, report) => {
    const stream = opened(bucket, target, flags);
    let found: GridFSFile | undefined;
    stream.once("file", (one: GridFSFile) => {
      found = one;
      report.progress.expect(one.length);
      report.progress.allFound();
    });
    if (into === "-") {
      await pipeline(stream, counted(report.progress), process.stdout, { end: false });
      return;
    }
    await toFile(stream, into, report);
    if (found !== undefined)
      report.result(
        `fetched ${printable(target.filename)} into ${printable(into)}: ${report.progress.summary()}`,
        { ...fieldsOf(found), file: into },
      );
  });
}

function opened(
  bucket: GridFSBucket,
  { filename }: StreamTarget,
  { id, revision }: WhichFlags,
): GridFSBucketReadStream {
  if (id === true) return bucket.openDownloadStream(idOfKey(filename));
  return bucket.openDownloadStreamByName(filename, revision === undefined ? {} : { revision });
}

/** Under its name stands what was there before, or all of it. */
async function toFile(stream: GridFSBucketReadStream, into: string, report: Report): Promise<void> {
  const partial = `${into}.part`;
  try {
    await pipeline(stream, counted(report.progress), createWriteStream(partial));
    await rename(partial, into);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function parseRevision(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a number: 0, 1, -1, -2.");
  return Number(text);
}
