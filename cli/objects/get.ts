import { stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { downloadFile } from "./download.ts";
import { listAll } from "./listing.ts";
import { parseObject, parseTree } from "./location.ts";
import { inParallel, parseParallel } from "./parallel.ts";
import { Progress } from "./progress.ts";

interface GetOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly parallel: number;
}

export function getCommand(): Command {
  return storeCommand("get", "fetch an object, or all under a prefix with -r")
    .argument("<s3://bucket/key>")
    .argument("[file]")
    .option("-r, --recursive", "everything below this prefix, into a folder")
    .option("--parallel <n>", "objects at once", parseParallel, 8)
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
  const at = parseTree(source);
  const root = resolve(folder);
  await inParallel(listAll(client, at), options.parallel, async (one) => {
    if (one.kind !== "object") return;
    const below = one.key.slice(at.key.length);
    // A key that ends in a slash marks a folder: nothing to write.
    if (one.key.endsWith("/") && one.bytes === 0) return;
    const path = resolve(root, below);
    // Not outside the folder, and not where another key has its place (a//b, a/../b).
    if (below === "" || path !== `${root === sep ? "" : root}${sep}${below}`) {
      console.error(`quarry: ${one.key} has no place in ${folder}; get it alone`);
      process.exitCode = 1;
      return;
    }
    await downloadFile(client, { bucket: at.bucket, key: one.key }, path, (bytes) =>
      progress.add(bytes),
    );
    progress.add(0, 1);
    if (options.json) console.log(JSON.stringify({ key: one.key, file: path }));
  });
}
