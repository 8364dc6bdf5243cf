import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { parseObject } from "./location.ts";
import { openSession } from "./session.ts";
import { tellTotals } from "./transfer.ts";
import {
  moveThings,
  type TransferFlags,
  transferCommand,
  withAttributes,
} from "./transfer-command.ts";
import { uploadStream } from "./upload-stream.ts";

const EXAMPLES = `
Examples:
  quarry put cat.jpg s3://photos/cat.jpg
  quarry put -r holiday s3://photos/2026          # all below holiday/
  quarry put -r --exclude '*.tmp' work s3://backup/work
  pg_dump shop | quarry put - s3://backup/shop.sql

A large file that was interrupted goes on where it stopped: type the same command again.`;

export function putCommand(): Command {
  const { command, filters } = transferCommand(
    "put",
    "store a file, a folder (-r), or the standard input (-)",
  );
  return withAttributes(command)
    .argument("<file>", "file, folder, or - for the standard input")
    .argument("<s3://bucket/key>")
    .option("--follow-symlinks", "store the files that links lead to")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, flags: TransferFlags) => {
      if (source === "-") return putStream(target, flags);
      if (source.startsWith("s3://"))
        throw new QuarryError(
          "InvalidArgument",
          `${source} is in a store already; quarry cp copies`,
        );
      const { session, totals } = await moveThings(source, target, flags, filters, false);
      if (totals.count > 0 && flags.dryRun !== true)
        session.report.next(`quarry ls ${flags.recursive === true ? "-r " : ""}${target}`);
    });
}

async function putStream(target: string, flags: TransferFlags): Promise<void> {
  const session = openSession(flags);
  using _bar = session.report.progress;
  const to = parseObject(target);
  const { bytes, proof } = await uploadStream(session, process.stdin, to);
  const proofs = new Map([[proof, 1]]);
  tellTotals(
    session,
    { count: 1, bytes, resumedBytes: 0, proofs },
    "stored",
    `in ${target}`,
    false,
  );
  session.report.next(`quarry stat ${target}`);
}
