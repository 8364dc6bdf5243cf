import { CreateBucketCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, placeOf, storeCommand } from "./connect.ts";
import { parseBucket } from "./location.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry mb s3://photos
  quarry mb --versioning s3://papers              # older versions are kept`;

export function mbCommand(): Command {
  return storeCommand("mb", "make a bucket")
    .argument("<s3://bucket>")
    .option("--versioning", "keep older versions of its objects")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, options: ConnectOptions & { readonly versioning?: boolean }) => {
      const Bucket = parseBucket(target);
      const client = connect(options);
      const { endpoint, region } = placeOf(options);
      // AWS wants to hear the region, except its oldest; other stores have none.
      const isAws = new URL(endpoint).hostname.endsWith(".amazonaws.com");
      await client.send(
        new CreateBucketCommand({
          Bucket,
          ...(isAws &&
            region !== "us-east-1" && {
              CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" },
            }),
        }),
      );
      if (options.versioning === true)
        await client.send(
          new PutBucketVersioningCommand({
            Bucket,
            VersioningConfiguration: { Status: "Enabled" },
          }),
        );
      const report = new Report(options);
      report.result(`made s3://${Bucket}`, { type: "bucket", bucket: Bucket });
      report.next(`quarry put FILE s3://${Bucket}/`);
    });
}
