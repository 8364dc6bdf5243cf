import { ListBucketsCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { type Listed, listAll } from "./listing.ts";
import { parseLocation } from "./location.ts";

interface LsOptions extends ConnectOptions {
  readonly recursive?: boolean;
}

export function lsCommand(): Command {
  return storeCommand("ls", "list buckets, or what is under a prefix")
    .argument("[s3://bucket/prefix]")
    .option("-r, --recursive", "all objects below, not only this level")
    .addHelpText("after", "\nExamples:\n  quarry ls\n  quarry ls -r s3://photos/2026/")
    .action(async (target: string | undefined, options: LsOptions) => {
      if (target === undefined) await listBuckets(options);
      else {
        const delimiter = options.recursive ? undefined : "/";
        for await (const one of listAll(connect(options), parseLocation(target), delimiter))
          console.log(options.json ? JSON.stringify(one) : line(one));
      }
    });
}

async function listBuckets(options: LsOptions): Promise<void> {
  const { Buckets } = await connect(options).send(new ListBucketsCommand({}));
  for (const { Name, CreationDate } of Buckets ?? [])
    console.log(
      options.json
        ? JSON.stringify({ bucket: Name, created: CreationDate })
        : `${CreationDate?.toISOString() ?? ""}  s3://${Name}`,
    );
}

function line(one: Listed): string {
  if (one.kind === "prefix") return `${" ".repeat(24)}  ${"PRE".padStart(14)}  ${one.prefix}`;
  return `${one.modified.toISOString()}  ${String(one.bytes).padStart(14)}  ${one.key}`;
}
