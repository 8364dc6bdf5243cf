/** `quarry stream put`: a file, or the standard input, as the newest revision of a filename. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command, InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { Document } from "../../client/streams/documents.ts";
import { idOfKey } from "../../client/streams/id-key.ts";
import { parseSize, printable } from "../objects/printable.ts";
import type { Progress } from "../objects/progress.ts";
import { storeFlags } from "../peers.ts";
import { shellWord } from "../shell-word.ts";
import { fieldsOf, onBucket, parseTarget, type StreamFlags, withStreamOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry stream put film.mp4 videos --store data      # as videos/film.mp4
  quarry stream put film.mp4 videos/2026/film.mp4 --store data --metadata '{"by":"me"}'
  tar c work | quarry stream put - backups/work.tar --cluster cluster`;

interface PutFlags extends StreamFlags {
  readonly id?: string;
  readonly metadata?: Document;
  readonly contentType?: string;
  readonly chunkSize?: number;
}

export function putCommand(): Command {
  return withStreamOptions(
    new Command("put").description("store a file, or the standard input (-), under a filename"),
  )
    .argument("<file>", "file, or - for the standard input")
    .argument("<bucket[/filename]>")
    .option("--id <id>", "its id; default a new ObjectId")
    .option("--metadata <json>", "document to keep with it", parseDocument)
    .option("--content-type <type>", "what browsers are told that it is")
    .option("--chunk-size <size>", "length of its chunks, at most 4M (4M)", parseSize)
    .addHelpText("after", EXAMPLES)
    .action(put);
}

async function put(source: string, to: string, flags: PutFlags): Promise<void> {
  const target = parseTarget(to);
  const isInput = source === "-";
  const filename = target.filename === "" && !isInput ? basename(source) : target.filename;
  if (filename === "")
    throw new QuarryError("InvalidArgument", "say under which filename: bucket/filename");
  const found = isInput ? undefined : await stat(source);
  if (found?.isDirectory() === true)
    throw new QuarryError("InvalidArgument", `${source} is a folder; a stream is one file`);
  await onBucket(flags, target.bucket, async (bucket, report) => {
    const { metadata, contentType, chunkSize } = flags;
    const upload = bucket.openUploadStream(filename, {
      ...(flags.id !== undefined && { id: idOfKey(flags.id) }),
      ...(metadata !== undefined && { metadata }),
      ...(contentType !== undefined && { contentType }),
      ...(chunkSize !== undefined && { chunkSizeBytes: chunkSize }),
    });
    report.progress.expect(found?.size ?? 0);
    if (found !== undefined) report.progress.allFound();
    const input: Readable = isInput
      ? process.stdin
      : createReadStream(source, { highWaterMark: 1 << 20 });
    await pipeline(input, counted(report.progress), upload);
    const file = upload.gridFSFile;
    if (file === null) return;
    report.result(
      `stored ${printable(filename)} as ${printable(fieldsOf(file).id)}: ${report.progress.summary()}`,
      fieldsOf(file),
    );
    report.next(
      `quarry stream get ${shellWord(`${target.bucket}/${filename}`)}${storeFlags(flags)}`,
    );
  });
}

/** Passes bytes on, and tells the bar of them. */
export const counted = (progress: Progress) =>
  async function* (bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const one of bytes) {
      progress.add(one.length);
      yield one;
    }
  };

function parseDocument(text: string): Document {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidArgumentError(`It is a document as JSON: '{"by":"me"}'.`);
}
