import type { Command } from "commander";
import {
  moveThings,
  type TransferFlags,
  transferCommand,
  withAttributes,
} from "./transfer-command.ts";

const EXAMPLES = `
Examples:
  quarry cp s3://photos/cat.jpg s3://photos/kitten.jpg   # the store copies; nothing passes through here
  quarry cp -r s3://photos/2026 s3://archive/2026
  quarry cp -r holiday s3://photos/2026                  # as quarry put -r
  quarry cp s3://photos/cat.jpg .                        # as quarry get`;

export function cpCommand(): Command {
  const { command, filters } = transferCommand("cp", "copy within the store, to it, or from it");
  return withAttributes(command)
    .argument("<source>", "s3://bucket/key, file or folder")
    .argument("<target>", "s3://bucket/key, file or folder; one of the two is in the store")
    .option("--follow-symlinks", "store the files that links lead to")
    .option("--version-id <id>", "of the source: an older version")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, flags: TransferFlags) => {
      const { session, totals } = await moveThings(source, target, flags, filters, false);
      if (totals.count > 0 && flags.dryRun !== true && target.startsWith("s3://"))
        session.report.next(`quarry ls ${flags.recursive === true ? "-r " : ""}${target}`);
    });
}
