import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { parseBucket } from "./location.ts";

export function mbCommand(): Command {
  return storeCommand("mb", "make a bucket")
    .argument("<s3://bucket>")
    .addHelpText("after", "\nExample:\n  quarry mb s3://photos")
    .action(async (target: string, options: ConnectOptions) => {
      const bucket = parseBucket(target);
      await connect(options).send(new CreateBucketCommand({ Bucket: bucket }));
      if (options.json) console.log(JSON.stringify({ bucket }));
      else console.log(`made s3://${bucket}`);
    });
}
