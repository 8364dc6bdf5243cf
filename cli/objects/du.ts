import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { listObjects } from "./listing.ts";
import { listVersions } from "./listing-versions.ts";
import { parseLocation } from "./location.ts";
import { PrefixSums } from "./prefix-sums.ts";
import { counted, formatBytes, printable } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry du s3://photos
  quarry du --max-depth 1 s3://photos             # and each folder below
  quarry du --bytes s3://photos/2026
  quarry du --versions s3://papers                # older versions count too`;

interface DuOptions extends ConnectOptions {
  readonly maxDepth: number;
  readonly bytes?: boolean;
  readonly versions?: boolean;
}

function parseDepth(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("It is 0, 1, 2, …");
  return value;
}

export function duCommand(): Command {
  return storeCommand("du", "sum the sizes of all under a prefix")
    .argument("<s3://bucket/prefix>")
    .option("-d, --max-depth <n>", "also each prefix down to this many levels", parseDepth, 0)
    .option("-b, --bytes", "sizes in bytes")
    .option("--versions", "count every version")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, options: DuOptions) => {
      const at = parseLocation(target);
      const report = new Report(options);
      const sums = new PrefixSums(at.key, options.maxDepth, ({ prefix, bytes, objects }) => {
        const size = (options.bytes === true ? String(bytes) : formatBytes(bytes)).padStart(14);
        const what = options.versions === true ? "version" : "object";
        report.result(
          `${size}  ${counted(objects, what).padStart(16)}  s3://${at.bucket}/${printable(prefix)}`,
          { bucket: at.bucket, prefix, bytes, objects },
        );
      });
      const client = connect(options);
      const rows = options.versions === true ? listVersions(client, at) : listObjects(client, at);
      for await (const { key, bytes } of rows) sums.add(key, bytes);
      sums.end();
    });
}
