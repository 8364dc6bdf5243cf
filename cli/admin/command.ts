/** `quarry admin`: what only the root user does. */
import { Command } from "commander";
import { backupCommand } from "../backup/admin-backup.ts";
import { crushCommand } from "./crush.ts";
import { dataserversCommand } from "./dataservers.ts";
import { nameserversCommand } from "./nameservers.ts";
import { pgCommand } from "./pgs.ts";
import { poolCommand } from "./pools.ts";
import { quotaCommand } from "./quota.ts";
import { rootCommand } from "./root.ts";
import { classCommand } from "./storage-classes.ts";
import { treeCommand } from "./tree.ts";
import { userCommand } from "./users.ts";
import { watchCommand } from "./watch.ts";

export function adminCommand(): Command {
  return new Command("admin")
    .description(
      "users, keys, quotas and backups (with the root user's keys), and the servers of a cluster",
    )
    .addCommand(userCommand())
    .addCommand(quotaCommand())
    .addCommand(rootCommand())
    .addCommand(nameserversCommand())
    .addCommand(watchCommand())
    .addCommand(dataserversCommand())
    .addCommand(treeCommand())
    .addCommand(poolCommand())
    .addCommand(classCommand())
    .addCommand(pgCommand())
    .addCommand(crushCommand())
    .addCommand(backupCommand());
}
