/** `quarry admin`: what only the root user does. */
import { Command } from "commander";
import { quotaCommand } from "./quota.ts";
import { userCommand } from "./users.ts";

export function adminCommand(): Command {
  return new Command("admin")
    .description("users, keys and quotas; needs the root user's keys")
    .addCommand(userCommand())
    .addCommand(quotaCommand());
}
