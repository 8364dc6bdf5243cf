/** The command that says how fast, and whether, blocks are made whole again. */
import { QuarryError } from "../../base/errors.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys } from "../keyspace.ts";
import type { HealingRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

type SetHealing = Extract<Command, { type: "setHealing" }>;

/** What is null is as usual again. */
export function setHealing({ rows }: ApplyContext, { change }: SetHealing): CommandResult {
  const { paused, bytesPerSecond, outAfterMs, keepsRepairRoom } = change;
  check(bytesPerSecond, 1, "a pace is in bytes a second, at least 1");
  check(outAfterMs, 0, "a time is in milliseconds, 0 for never");
  const before = rows.get(keys.healing()) ?? {};
  const row: HealingRow = {
    ...kept("paused", paused, before),
    ...kept("bytesPerSecond", bytesPerSecond, before),
    ...kept("outAfterMs", outAfterMs, before),
    ...kept("keepsRepairRoom", keepsRepairRoom, before),
  };
  rows.put(keys.healing(), row);
  return { type: "done" };
}

function kept<Field extends keyof HealingRow>(
  field: Field,
  said: HealingRow[Field] | null,
  before: HealingRow,
): HealingRow {
  const value = said === undefined ? before[field] : said;
  return value === undefined || value === null ? {} : { [field]: value };
}

function check(value: number | null | undefined, least: number, message: string): void {
  if (typeof value === "number" && (!Number.isSafeInteger(value) || value < least))
    throw new QuarryError("InvalidArgument", message);
}
