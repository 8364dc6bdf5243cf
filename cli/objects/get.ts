import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { parseObject } from "./location.ts";
import { openSession } from "./session.ts";
import { streamToOutput } from "./standard-output.ts";
import { moveThings, type TransferFlags, transferCommand } from "./transfer-command.ts";

const EXAMPLES = `
Examples:
  quarry get s3://photos/cat.jpg                  # into this folder
  quarry get s3://photos/cat.jpg kitten.jpg
  quarry get -r s3://photos/2026 holiday
  quarry get s3://backup/shop.sql - | psql shop

A large object that was interrupted goes on where it stopped: type the same command again. Nothing is
written outside the folder, whatever the keys are.`;

export function getCommand(): Command {
  const { command, filters } = transferCommand(
    "get",
    "fetch an object, all under a prefix (-r), or to the standard output (-)",
  );
  return command
    .argument("<s3://bucket/key>")
    .argument("[file]", "file or folder; - for the standard output", ".")
    .option("--version-id <id>", "an older version (quarry ls --versions shows them)")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, flags: TransferFlags) => {
      if (target === "-") {
        const { versionId } = flags;
        const from = { ...parseObject(source), ...(versionId !== undefined && { versionId }) };
        return streamToOutput(openSession(flags), from, undefined);
      }
      if (target.startsWith("s3://"))
        throw new QuarryError("InvalidArgument", `${target} is in a store; quarry cp copies`);
      await moveThings(source, target, flags, filters, false);
    });
}
