import { DeleteBucketCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { errorName } from "../exit-code.ts";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { deleteTree } from "./delete-tree.ts";
import { giveUpUpload, listUploads } from "./listing-uploads.ts";
import { parseBucket } from "./location.ts";
import { counted } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry rb s3://empty
  quarry rb --force s3://old                      # with all objects, all versions, and unfinished uploads`;

interface RbOptions extends ConnectOptions {
  readonly force?: boolean;
  readonly verbose?: boolean;
}

export function rbCommand(): Command {
  return storeCommand("rb", "remove an empty bucket, or any with --force")
    .argument("<s3://bucket>")
    .option("--force", "delete all that is in it first; this cannot be undone")
    .option("-v, --verbose", "a line for each object")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, options: RbOptions) => {
      const bucket = parseBucket(target);
      const client = connect(options);
      const report = new Report(options);
      let objects = 0;
      if (options.force === true) {
        const all = { bucket, key: "" };
        objects = await deleteTree(client, report, all, { versions: true });
        for await (const { key, uploadId } of listUploads(client, all))
          await giveUpUpload(client, { bucket, key }, uploadId).catch((error: unknown) => {
            if (errorName(error) !== "NoSuchUpload") throw error;
          });
      }
      if (report.failures === 0) {
        await client.send(new DeleteBucketCommand({ Bucket: bucket }));
        const also = options.force === true ? ` and the ${counted(objects, "object")} in it` : "";
        report.result(`removed s3://${bucket}${also}`, { type: "bucket-removed", bucket, objects });
      }
      report.finish();
    });
}
