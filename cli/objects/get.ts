import { stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { downloadFile } from "./download.ts";
import { listAll } from "./listing.ts";
import { parseLocation, parseObject } from "./location.ts";
import { inParallel } from "./parallel.ts";
import { Progress } from "./progress.ts";

interface GetOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly parallel: string;
}

export function getCommand(): Command {
  return storeCommand("get", "fetch an object, or all under a prefix with -r")
    .argument("<s3://bucket/key>")
    .argument("[file]")
    .option("-r, --recursive", "everything below this prefix, into a folder")
    .option("--parallel <n>", "objects at once", "8")
    .addHelpText(
      "after",
      "\nExamples:\n  quarry get s3://photos/cat.jpg\n  quarry get -r s3://photos/2026 holiday",
    )
    .action(async (source: string, target: string | undefined, options: GetOptions) => {
      using progress = new Progress("fetched");
      if (options.recursive === true) await getTree(source, target ?? ".", options, progress);
      else {
        const from = parseObject(source);
        const path = await fileFor(from.key, target);
        await downloadFile(connect(options), from, path, (bytes) => progress.add(bytes));
        progress.add(0, 1);
        if (options.json) console.log(JSON.stringify({ key: from.key, file: path }));
      }
      if (!options.json) console.log(progress.summary());
    });
}

async function fileFor(key: string, target: string | undefined): Promise<string> {
  if (target === undefined) return basename(key);
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => target.endsWith("/"),
  );
  return isFolder ? join(target, basename(key)) : target;
}

async function getTree(
  source: string,
  folder: string,
  options: GetOptions,
  progress: Progress,
): Promise<void> {
  const client = connect(options);
  const at = parseLocation(source);
  const prefix = at.key === "" || at.key.endsWith("/") ? at.key : `${at.key}/`;
  const root = resolve(folder);
  const all = listAll(client, { bucket: at.bucket, key: prefix });
  await inParallel(all, Number(options.parallel), async (one) => {
    // A key that ends in a slash marks a folder: nothing to write.
    if (one.kind !== "object" || one.key.endsWith("/")) return;
    const path = resolve(root, one.key.slice(prefix.length));
    if (!path.startsWith(root + sep))
      throw new QuarryError(
        "InvalidArgument",
        `the key ${one.key} would leave ${folder}; get it alone`,
      );
    await downloadFile(client, { bucket: at.bucket, key: one.key }, path, (bytes) =>
      progress.add(bytes),
    );
    progress.add(0, 1);
    if (options.json) console.log(JSON.stringify({ key: one.key, file: path }));
  });
}
