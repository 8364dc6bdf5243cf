import { RestoreObjectCommand } from "@aws-sdk/client-s3";
import type { Command } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { parseObject } from "./location.ts";
import { printable } from "./printable.ts";
import { Report } from "./report.ts";

export function undeleteCommand(): Command {
  return storeCommand(
    "undelete",
    "bring back an object that was deleted within the hold time (Quarry only)",
  )
    .argument("<s3://bucket/key>")
    .addHelpText("after", "\nExample:\n  quarry undelete s3://photos/cat.jpg")
    .action(async (target: string, options: ConnectOptions) => {
      const { bucket, key } = parseObject(target);
      const client = connect(options);
      // The SDK has no command for Quarry's own verb; its nearest one is sent with another query.
      client.middlewareStack.add(
        (next) => (args) => {
          (args.request as { query: Record<string, string> }).query = { "quarry-undelete": "" };
          return next(args);
        },
        { step: "build", name: "quarryUndelete" },
      );
      await client.send(new RestoreObjectCommand({ Bucket: bucket, Key: key }));
      const report = new Report(options);
      report.result(`brought back ${printable(target)}`, { type: "undelete", bucket, key });
      report.next(`quarry stat ${target}`);
    });
}
