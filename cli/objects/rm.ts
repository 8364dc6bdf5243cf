import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { listAll } from "./listing.ts";
import { parseObject, parseTree } from "./location.ts";
import { inParallel, parseParallel } from "./parallel.ts";

interface RmOptions extends ConnectOptions {
  readonly recursive?: boolean;
  readonly parallel: number;
}

export function rmCommand(): Command {
  return storeCommand("rm", "delete an object, or all below a prefix with -r")
    .argument("<s3://bucket/key>")
    .option("-r, --recursive", "everything below this prefix, as in a folder")
    .option("--parallel <n>", "requests at once", parseParallel, 16)
    .addHelpText(
      "after",
      "\nExamples:\n  quarry rm s3://photos/cat.jpg\n  quarry rm -r s3://photos/2026\n\nDeleted objects can be brought back for an hour: quarry undelete s3://bucket/key",
    )
    .action(async (target: string, options: RmOptions) => {
      const client = connect(options);
      if (options.recursive !== true) {
        const { bucket, key } = parseObject(target);
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
        console.log(options.json ? JSON.stringify({ deleted: key }) : `deleted ${target}`);
        return;
      }
      const at = parseTree(target);
      let count = 0;
      await inParallel(listAll(client, at), options.parallel, async (one) => {
        if (one.kind !== "object") return;
        await client.send(new DeleteObjectCommand({ Bucket: at.bucket, Key: one.key }));
        count++;
        if (options.json) console.log(JSON.stringify({ deleted: one.key }));
      });
      if (!options.json) console.log(`deleted ${count} objects under ${target}`);
    });
}
