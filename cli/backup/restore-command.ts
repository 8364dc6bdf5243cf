/** `quarry restore`: a nameserver's folder from a backup. */
import { join } from "node:path";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import type { NodeId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { Rebuilding } from "../../nameserver/backup/rebuilding.ts";
import { parseCount } from "../admin/quantities.ts";
import { nodeNumber } from "./node-number.ts";
import { readBackup } from "./read-backup.ts";
import { counter, saidBackup } from "./say.ts";
import type { Backup } from "./write-backup.ts";

interface RestoreFlags {
  readonly data: string;
  readonly node?: NodeId;
  readonly keepOrphans: number;
  readonly json?: boolean;
}

export const DAY_MS = 24 * 3_600_000;

export function restoreCommand(): Command {
  return new Command("restore")
    .description("make the metadata of a store anew from a backup")
    .argument("<file>", "what quarry admin backup wrote")
    .requiredOption("--data <dir>", "data folder that quarry serve (or nameserver) will be given")
    .option("--node <n>", "for quarry nameserver: which member it will be", nodeNumber)
    .option(
      "--keep-orphans <days>",
      "how long stored bytes that nothing names stay",
      parseCount,
      30,
    )
    .option("--json", "print JSON; errors too, on the error output")
    .addHelpText(
      "after",
      `
Without --node it fills DIR/nameserver; the blocks beside it (DIR/device) stay as they are. With --node it
fills DIR. The folder must be empty or missing.

Examples:
  quarry restore metadata.backup --data ./data        # then: quarry serve --data ./data
  quarry restore metadata.backup --data /var/quarry --node 4`,
    )
    .action((file: string, flags: RestoreFlags) => restore(file, flags));
}

export function folderOf(data: string, node: NodeId | undefined): string {
  return node === undefined ? join(data, "nameserver") : data;
}

async function restore(file: string, flags: RestoreFlags): Promise<void> {
  const { data, node } = flags;
  const directory = folderOf(data, node);
  using progress = counter(flags.json !== true);
  let done = 0;
  // Before anything is made.
  await readBackup(nodeDisk, file);
  await using rebuilding = await Rebuilding.begin({
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    directory,
    ...(node !== undefined && { node }),
  });
  const backup = await readBackup(nodeDisk, file, async (piece) => {
    await rebuilding.take(piece);
    done += piece.length;
    progress.show(done, 0);
  });
  rebuilding.endRows();
  const keepOrphansMs = flags.keepOrphans * DAY_MS;
  await rebuilding.recover(keepOrphansMs);
  await rebuilding.finish();
  if (flags.json === true) console.log(JSON.stringify({ ...backup, directory }));
  else console.log(said(backup, directory, flags));
}

function said(
  backup: Backup,
  directory: string,
  { data, node, keepOrphans }: RestoreFlags,
): string {
  const next =
    node === undefined
      ? `Next: quarry serve --data ${data}`
      : `Next: quarry nameserver --data ${data} --node ${node} --peers ${node}=HOST:PORT --secret-file secret
      It is a group of one. Start the others with empty folders and new numbers and let them join.`;
  return `${directory} holds ${saidBackup(backup)}
What was written after that has no names any more; its bytes are kept for ${keepOrphans} days.
quarry fsck says what is missing.
${next}`;
}
