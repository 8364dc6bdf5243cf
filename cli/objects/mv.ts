import type { Command } from "commander";
import {
  moveThings,
  type TransferFlags,
  transferCommand,
  withAttributes,
} from "./transfer-command.ts";

const EXAMPLES = `
Examples:
  quarry mv s3://photos/cat.jpg s3://photos/kitten.jpg
  quarry mv -r s3://photos/inbox s3://photos/2026
  quarry mv report.pdf s3://papers/               # the file is removed once it is stored

Each source is removed only when its target is there.`;

export function mvCommand(): Command {
  const { command, filters } = transferCommand("mv", "move within the store, to it, or from it");
  return withAttributes(command)
    .argument("<source>", "s3://bucket/key, file or folder")
    .argument("<target>", "s3://bucket/key, file or folder; one of the two is in the store")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, flags: TransferFlags) => {
      const { session } = await moveThings(source, target, flags, filters, true);
      if (source.startsWith("s3://") && flags.dryRun !== true)
        session.report.next(`quarry ls ${target.startsWith("s3://") ? target : source}`);
    });
}
