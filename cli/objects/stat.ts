import {
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
} from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { errorName } from "../exit-code.ts";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { type Location, parseLocation, urlOf } from "./location.ts";
import { formatBytes, printable } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry stat s3://photos/cat.jpg
  quarry stat --version-id ID s3://papers/draft.txt
  quarry stat s3://photos                         # the bucket
  quarry stat --json s3://photos/cat.jpg | jq .ContentLength`;

interface StatOptions extends ConnectOptions {
  readonly versionId?: string;
}

export function statCommand(): Command {
  return storeCommand("stat", "show all that the store knows of an object or a bucket")
    .argument("<s3://bucket/key>")
    .option("--version-id <id>", "an older version")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, options: StatOptions) => {
      const at = parseLocation(target);
      const rows =
        at.key === "" ? await bucketRows(options, at.bucket) : await objectRows(options, at);
      new Report(options).result(
        [printable(target), ...Object.entries(rows).map(([name, value]) => row(name, value))].join(
          "\n",
        ),
        rows,
      );
    });
}

function row(name: string, value: unknown): string {
  const shown =
    value instanceof Date
      ? value.toISOString()
      : name === "ContentLength"
        ? `${value} (${formatBytes(Number(value))})`
        : String(value);
  return `  ${name.padEnd(20)} ${printable(shown)}`;
}

async function objectRows(options: StatOptions, at: Location): Promise<Record<string, unknown>> {
  const answer: HeadObjectCommandOutput = await connect(options).send(
    new HeadObjectCommand({
      Bucket: at.bucket,
      Key: at.key,
      ChecksumMode: "ENABLED",
      ...(options.versionId !== undefined && { VersionId: options.versionId }),
    }),
  );
  const { $metadata: _, Metadata, ...fields } = answer;
  const rows: Record<string, unknown> = { url: urlOf(at) };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) rows[name] = value;
  for (const [name, value] of Object.entries(Metadata ?? {})) rows[`Metadata.${name}`] = value;
  return rows;
}

async function bucketRows(options: StatOptions, bucket: string): Promise<Record<string, unknown>> {
  const client = connect(options);
  const target = { Bucket: bucket };
  const head = await client.send(new HeadBucketCommand(target));
  const versioning = await orUnknown(client.send(new GetBucketVersioningCommand(target)));
  const location = await orUnknown(client.send(new GetBucketLocationCommand(target)));
  return {
    bucket,
    region: head.BucketRegion ?? location?.LocationConstraint ?? "us-east-1",
    versioning: versioning === undefined ? "unknown" : (versioning.Status ?? "off").toLowerCase(),
  };
}

/** Undefined where the store has no such question, or does not answer it to these keys. */
async function orUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (["NotImplemented", "AccessDenied", "MethodNotAllowed"].includes(errorName(error)))
      return undefined;
    throw error;
  }
}
