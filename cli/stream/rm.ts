/** `quarry stream rm`: all revisions of a filename, one of them, or a file by its id. */
import { Command } from "commander";
import type { GridFSBucket } from "../../client/streams/bucket.ts";
import { idOfKey, keyOfId } from "../../client/streams/id-key.ts";
import { counted, printable } from "../objects/printable.ts";
import { type WhichFlags, withWhich } from "./get.ts";
import {
  noSuchStream,
  onBucket,
  parseStream,
  type StreamTarget,
  withStreamOptions,
} from "./target.ts";

const EXAMPLES = `
Examples:
  quarry stream rm videos/film.mp4 --store data       # all revisions
  quarry stream rm videos/film.mp4 --store data --revision 0       # the oldest one

For an hour they can be brought back by id: quarry undelete s3://bucket/id`;

export function rmCommand(): Command {
  return withWhich(
    withStreamOptions(new Command("rm").description("delete all revisions of a name, or one")),
  )
    .argument("<bucket/filename>")
    .addHelpText("after", EXAMPLES)
    .action(async (at: string, flags: WhichFlags) => {
      const target = parseStream(at);
      await onBucket(flags, target.bucket, async (bucket, report) => {
        const ids = await idsOf(bucket, target, flags);
        if (ids.length === 0) throw noSuchStream(target.bucket, flags);
        for (const id of ids) await bucket.delete(id);
        const name = printable(target.filename);
        report.result(`deleted ${name}: ${counted(ids.length, "revision")}`, {
          ...{ deleted: target.filename, ids: ids.map(keyOfId) },
        });
      });
    });
}

async function idsOf(
  bucket: GridFSBucket,
  { filename }: StreamTarget,
  { id, revision }: WhichFlags,
): Promise<unknown[]> {
  if (id === true) return [idOfKey(filename)];
  const files = await bucket.find({ filename }).sort({ uploadDate: 1 }).toArray();
  const ids = files.map(({ _id }) => _id as unknown);
  return revision === undefined ? ids : ids.slice(revision).slice(0, 1);
}
