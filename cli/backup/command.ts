/** `quarry backup`: what can be done with a backup file alone. */
import { Command } from "commander";
import { nodeDisk } from "../../base/disk-node.ts";
import { readBackup } from "./read-backup.ts";
import { saidBackup } from "./say.ts";

export function backupFileCommand(): Command {
  return new Command("backup")
    .description("look at backups of metadata (quarry admin backup takes one)")
    .addCommand(
      new Command("verify")
        .description("read a backup whole and check every byte of it")
        .argument("<file>")
        .option("--json", "print JSON; errors too, on the error output")
        .action(async (file: string, options: { readonly json?: boolean }) => {
          const backup = await readBackup(nodeDisk, file);
          if (options.json === true) console.log(JSON.stringify(backup));
          else
            console.log(
              `${file} is whole: ${saidBackup(backup)}, written ${new Date(backup.createdMs).toISOString()}\n  sha256 ${backup.sha256}`,
            );
        }),
    );
}
