import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { type Location, parseLocation } from "./location.ts";
import { inParallel, parseParallel } from "./parallel.ts";
import { Progress } from "./progress.ts";
import { uploadFile } from "./upload.ts";

interface PutOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly parallel: number;
}

export function putCommand(): Command {
  return storeCommand("put", "store a file, or a folder with -r")
    .argument("<file>")
    .argument("<s3://bucket/key>")
    .option("-r, --recursive", "a folder and all below it; links are not followed")
    .option("--parallel <n>", "files at once", parseParallel, 8)
    .addHelpText(
      "after",
      "\nExamples:\n  quarry put cat.jpg s3://photos/cat.jpg\n  quarry put -r holiday s3://photos/2026",
    )
    .action(async (source: string, target: string, options: PutOptions) => {
      const client = connect(options);
      const to = parseLocation(target);
      const isFolder = (await stat(source)).isDirectory();
      if (isFolder && options.recursive !== true)
        throw new QuarryError("InvalidArgument", `${source} is a folder; put -r stores folders`);
      using progress = new Progress("stored");
      const files = isFolder ? under(source, to) : [{ path: source, to: named(source, to) }];
      await inParallel(files, options.parallel, async (file) => {
        await uploadFile(client, file.path, file.to, (bytes) => progress.add(bytes));
        progress.add(0, 1);
        if (options.json) console.log(JSON.stringify({ file: file.path, key: file.to.key }));
      });
      if (!options.json) console.log(`${progress.summary()} in ${target}`);
    });
}

/** A target that ends in a slash, or names only a bucket, keeps the file's own name. */
function named(source: string, to: Location): Location {
  if (to.key !== "" && !to.key.endsWith("/")) return to;
  return { bucket: to.bucket, key: to.key + basename(source) };
}

async function* under(
  folder: string,
  to: Location,
): AsyncGenerator<{ readonly path: string; readonly to: Location }> {
  const prefix = to.key === "" || to.key.endsWith("/") ? to.key : `${to.key}/`;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const below = { bucket: to.bucket, key: prefix + entry.name };
    if (entry.isDirectory()) yield* under(path, below);
    else if (entry.isFile()) yield { path, to: below };
    else console.error(`quarry: ${path} is no file and no folder; it is not stored`);
  }
}
