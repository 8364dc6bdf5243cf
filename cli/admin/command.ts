/** `quarry admin`: what only the root user does. */
import { Command } from "commander";
import { backupCommand } from "../backup/admin-backup.ts";
import { capacityCommand } from "./capacity.ts";
import { crushCommand } from "./crush.ts";
import { dataserversCommand } from "./dataservers.ts";
import { deviceCommand } from "./devices.ts";
import { healCommand } from "./heal.ts";
import { healthCommand } from "./health.ts";
import { nameserversCommand } from "./nameservers.ts";
import { pgCommand } from "./pgs.ts";
import { poolCommand, poolsCommand } from "./pools.ts";
import { quotaCommand } from "./quota.ts";
import { rootCommand } from "./root.ts";
import { statusCommand } from "./status.ts";
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
    .addCommand(statusCommand())
    .addCommand(healthCommand())
    .addCommand(healCommand())
    .addCommand(capacityCommand())
    .addCommand(nameserversCommand())
    .addCommand(watchCommand())
    .addCommand(dataserversCommand())
    .addCommand(treeCommand())
    .addCommand(deviceCommand())
    .addCommand(poolsCommand())
    .addCommand(poolCommand())
    .addCommand(classCommand())
    .addCommand(pgCommand())
    .addCommand(crushCommand())
    .addCommand(backupCommand());
}
