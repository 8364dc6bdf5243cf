import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { deleteTree } from "./delete-tree.ts";
import { type Filter, filterParser, includesAll } from "./filters.ts";
import { giveUpUpload, listUploads } from "./listing-uploads.ts";
import { type Location, parseLocation, parseObject, parseTree, urlOf } from "./location.ts";
import { counted, printable } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry rm s3://photos/cat.jpg
  quarry rm s3://photos/cat.jpg s3://photos/dog.jpg
  quarry rm -r s3://photos/2026
  quarry rm -r --exclude '*' --include '*.tmp' s3://work
  quarry rm -r --versions s3://papers/drafts      # all versions: gone for good
  quarry rm --uploads s3://photos                 # give up uploads that nobody will finish

On Quarry, deleted objects can be brought back for an hour: quarry undelete s3://bucket/key`;

interface RmOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly versions?: boolean;
  readonly versionId?: string;
  readonly uploads?: boolean;
  readonly dryRun?: boolean;
  readonly verbose?: boolean;
}

export function rmCommand(): Command {
  const filters: Filter[] = [];
  return storeCommand("rm", "delete objects, or all below a prefix with -r")
    .argument("<s3://bucket/key...>")
    .option("-r, --recursive", "everything below this prefix, as in a folder")
    .option("--versions", "with -r: every version and delete marker")
    .option("--version-id <id>", "this version only")
    .option("--uploads", "unfinished multipart uploads instead of objects")
    .option("-n, --dry-run", "only tell what would be done")
    .option("-v, --verbose", "a line for each object")
    .option("--exclude <pattern>", "with -r: leave names that match", filterParser(filters, false))
    .option(
      "--include <pattern>",
      "but not these; the last that matches decides",
      filterParser(filters, true),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (targets: string[], options: RmOptions) => {
      const report = new Report(options);
      for (const target of targets) await removeOne(target, options, report, filters);
      report.finish();
    });
}

async function removeOne(
  target: string,
  options: RmOptions,
  report: Report,
  filters: readonly Filter[],
): Promise<void> {
  const client = connect(options);
  const would = options.dryRun === true ? "would have " : "";
  if (options.uploads === true) {
    const count = await giveUpAll(options, report, parseLocation(target));
    const words = `${would}given up ${counted(count, "unfinished upload")} under ${target}`;
    report.result(words, { type: "summary", uploads: count });
    return;
  }
  if (options.recursive === true) {
    const count = await deleteTree(client, report, parseTree(target), {
      versions: options.versions === true,
      includes: includesAll(filters),
      dryRun: options.dryRun === true,
    });
    const what = options.versions === true ? "version" : "object";
    const words = `${would}deleted ${counted(count, what)} under ${target}`;
    report.result(words, { type: "summary", deleted: count, failed: report.failures });
    return;
  }
  const { bucket, key } = parseObject(target);
  const version = options.versionId === undefined ? {} : { VersionId: options.versionId };
  if (options.dryRun !== true)
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, ...version }));
  report.result(`${would}deleted ${printable(target)}`, {
    type: options.dryRun === true ? "would-delete" : "delete",
    bucket,
    key,
  });
}

async function giveUpAll(options: RmOptions, report: Report, at: Location): Promise<number> {
  const client = connect(options);
  let count = 0;
  for await (const { key, uploadId } of listUploads(client, at)) {
    const one = { bucket: at.bucket, key };
    if (options.dryRun !== true) await giveUpUpload(client, one, uploadId);
    count++;
    report.step(
      () => `gave up an upload to ${printable(urlOf(one))}`,
      () => ({ type: "upload-given-up", bucket: at.bucket, key, uploadId }),
    );
  }
  return count;
}
