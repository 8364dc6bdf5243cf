import { ListBucketsCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { type Listed, listAll } from "./listing.ts";
import { listUploads } from "./listing-uploads.ts";
import { type ListedVersion, listVersions } from "./listing-versions.ts";
import { type Location, parseLocation } from "./location.ts";
import { formatBytes, printable } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry ls                                       # the buckets
  quarry ls s3://photos/2026/                     # one level
  quarry ls -r s3://photos                        # all below
  quarry ls -H s3://photos                        # sizes for people
  quarry ls --versions s3://papers/draft.txt
  quarry ls --uploads s3://photos                 # begun and not finished`;

interface LsOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly human?: boolean;
  readonly versions?: boolean;
  readonly uploads?: boolean;
}

export function lsCommand(): Command {
  return storeCommand("ls", "list buckets, or what is under a prefix")
    .argument("[s3://bucket/prefix]")
    .option("-r, --recursive", "all objects below, not only this level")
    .option("-H, --human", "sizes as 1.5 MiB")
    .option("--versions", "every version and delete marker")
    .option("--uploads", "unfinished multipart uploads")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string | undefined, options: LsOptions) => {
      const report = new Report(options);
      if (target === undefined) return listBuckets(options, report);
      const at = parseLocation(target);
      if (options.versions === true) return showVersions(options, report, at);
      if (options.uploads === true) return showUploads(options, report, at);
      const delimiter = options.recursive ? undefined : "/";
      for await (const one of listAll(connect(options), at, delimiter))
        report.result(line(one, options), one.kind === "prefix" ? one : { ...one, type: one.kind });
    });
}

async function listBuckets(options: LsOptions, report: Report): Promise<void> {
  const client = connect(options);
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListBucketsCommand(token === undefined ? {} : { ContinuationToken: token }),
    );
    for (const { Name, CreationDate } of page.Buckets ?? [])
      report.result(`${CreationDate?.toISOString() ?? ""}  s3://${Name}`, {
        bucket: Name,
        created: CreationDate,
      });
    token = page.ContinuationToken;
  } while (token !== undefined);
}

async function showVersions(options: LsOptions, report: Report, at: Location): Promise<void> {
  for await (const one of listVersions(connect(options), at))
    report.result(versionLine(one, options), { ...one });
}

async function showUploads(options: LsOptions, report: Report, at: Location): Promise<void> {
  for await (const one of listUploads(connect(options), at))
    report.result(`${one.begun.toISOString()}  ${printable(one.key)}  ${one.uploadId}`, { ...one });
}

function size(bytes: number, { human }: LsOptions): string {
  return (human === true ? formatBytes(bytes) : String(bytes)).padStart(14);
}

function line(one: Listed, options: LsOptions): string {
  if (one.kind === "prefix")
    return `${" ".repeat(24)}  ${"PRE".padStart(14)}  ${printable(one.prefix)}`;
  return `${one.modified.toISOString()}  ${size(one.bytes, options)}  ${printable(one.key)}`;
}

function versionLine(one: ListedVersion, options: LsOptions): string {
  const what = one.kind === "deleteMarker" ? "deleted".padStart(14) : size(one.bytes, options);
  const latest = one.isLatest ? "*" : " ";
  return `${one.modified.toISOString()}  ${what} ${latest} ${one.versionId}  ${printable(one.key)}`;
}
