/** `quarry admin heal`: how blocks are made whole again: how far that is, whether, and how fast. */
import { Command, InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { Change } from "../../rpc/commands.ts";
import type { HealingSettings } from "../../rpc/healing.ts";
import { parseDuration } from "../objects/printable.ts";
import { type ClusterFlags, type ClusterView, withCluster } from "./cluster-view.ts";
import { healingLines } from "./health-words.ts";
import { withOutput } from "./pools.ts";
import { parseBytes } from "./quantities.ts";

interface LimitFlags extends ClusterFlags {
  readonly rate?: number;
  /** Seconds. */
  readonly outAfter?: number;
  readonly repairRoom?: boolean;
}

export function healCommand(): Command {
  const command = (name: string, description: string) =>
    withOutput(new Command(name).description(description));
  return new Command("heal")
    .description("how blocks are made whole again, and moved to where they belong")
    .addCommand(
      command("status", "what is done, what waits, what is stuck and what would help").action(
        (flags: ClusterFlags) => withCluster(flags, (cluster) => status(cluster, flags)),
      ),
    )
    .addCommand(
      command("pause", "begin nothing more; what is under way ends").action((flags: ClusterFlags) =>
        set(flags, { paused: true }, "paused; `quarry admin heal resume` lets it go on"),
      ),
    )
    .addCommand(
      command("resume", "go on").action((flags: ClusterFlags) =>
        set(flags, { paused: null }, "goes on"),
      ),
    )
    .addCommand(limitCommand());
}

function limitCommand(): Command {
  return withOutput(new Command("limit").description("how fast, how soon, how much room for it"))
    .option(
      "--rate <bytes/s>",
      "read and written a second in all, as in 100MiB; 0: no limit",
      parseBytes,
    )
    .option(
      "--out-after <time>",
      "a device that is down so long is out, as in 10m; 0: never",
      parseDuration,
    )
    .option(
      "--repair-room <on|off>",
      "refuse writes before the room is gone that the repair of the largest device or place needs",
      parseSwitch,
    )
    .action((flags: LimitFlags) => {
      const { rate, outAfter, repairRoom } = flags;
      const change: Change<HealingSettings> = {
        ...(rate !== undefined && { bytesPerSecond: rate === 0 ? null : rate }),
        ...(outAfter !== undefined && { outAfterMs: outAfter * 1000 }),
        ...(repairRoom !== undefined && { keepsRepairRoom: repairRoom }),
      };
      if (Object.keys(change).length === 0)
        throw new QuarryError("InvalidArgument", "say --rate, --out-after or --repair-room");
      return set(flags, change, "done");
    });
}

function parseSwitch(text: string): boolean {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("It is on or off.");
  return text === "on";
}

function set(flags: ClusterFlags, change: Change<HealingSettings>, words: string): Promise<void> {
  return withCluster(flags, async ({ names }) => {
    await names.execute({ type: "setHealing", change });
    console.log(flags.json === true ? JSON.stringify(change) : words);
  });
}

async function status({ names, map }: ClusterView, { json }: ClusterFlags): Promise<void> {
  const health = await names.health();
  const { healing } = health;
  if (json === true) console.log(JSON.stringify(healing ?? null));
  else if (healing === undefined) console.log("this nameserver does not say how healing stands");
  else for (const line of healingLines(healing, map, health)) console.log(line);
}
