/** `quarry rescue`: a store whose metadata are lost, from its blocks. */
import { rm } from "node:fs/promises";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import type { NodeId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { parseCount } from "../admin/quantities.ts";
import { nodeNumber } from "../backup/node-number.ts";
import { DAY_MS, folderOf } from "../backup/restore-command.ts";
import { exitCodes } from "../exit-code.ts";
import { said } from "../fsck/finding.ts";
import { counted, formatBytes } from "../objects/printable.ts";
import { type Rescued, rescue } from "./rescue.ts";

interface RescueFlags {
  readonly devices: readonly string[];
  readonly to: string;
  readonly node?: NodeId;
  readonly dryRun?: boolean;
  readonly salvage?: boolean;
  readonly keepOrphans: number;
  readonly json?: boolean;
}

export function rescueCommand(): Command {
  return new Command("rescue")
    .description("make lost metadata anew from the copies in blocks")
    .requiredOption("--devices <dir...>", "all device folders of the store (or its data folders)")
    .requiredOption("--to <dir>", "data folder that quarry serve (or nameserver) will be given")
    .option("--node <n>", "for quarry nameserver: which member it will be", nodeNumber)
    .option("--dry-run", "only say what would come back and what is missing")
    .option("--salvage", "give names to stored bytes that nothing names, in a bucket rescued-…")
    .option(
      "--keep-orphans <days>",
      "how long stored bytes that nothing names stay",
      parseCount,
      30,
    )
    .option("--json", "findings and the result as JSON, one object a line")
    .addHelpText(
      "after",
      `
The store must not run. Blocks are only read. It makes TO/nameserver (with --node: TO itself), which must be
empty or missing; move a damaged one away first.

Exit codes: 0 all that the metadata name is there, 1 something is missing or damaged, 4 no snapshot was found.

Example:
  mv data/nameserver data/nameserver.lost
  quarry rescue --devices data --to data && quarry serve --data data`,
    )
    .action((flags: RescueFlags) => run(flags));
}

async function run(flags: RescueFlags): Promise<void> {
  const { node, json } = flags;
  const target = folderOf(flags.to, node);
  const to = flags.dryRun === true ? `${target}.dry-run-${process.pid}` : target;
  try {
    const rescued = await rescue({
      ...{ disk: nodeDisk, clock: systemClock, random: systemRandom },
      devices: flags.devices,
      to,
      ...(node !== undefined && { node }),
      salvage: flags.salvage === true,
      keepOrphansMs: flags.keepOrphans * DAY_MS,
      onFinding: (finding) =>
        console.log(json === true ? JSON.stringify(finding) : `  ${said(finding)}`),
      onStep: (text) => {
        if (json !== true) console.log(text);
      },
    });
    if (json === true) console.log(JSON.stringify({ kind: "result", ...rescued, to: target }));
    else console.log(summary(rescued, flags, target));
    process.exitCode = codeOf(rescued);
  } finally {
    if (flags.dryRun === true) await rm(to, { recursive: true, force: true });
  }
}

function codeOf({ snapshot, check, damaged }: Rescued): number {
  if (snapshot === undefined) return exitCodes.notThere;
  return damaged || (check?.missing ?? 0) > 0 ? exitCodes.failed : exitCodes.done;
}

function summary(rescued: Rescued, flags: RescueFlags, target: string): string {
  const { snapshot, reached, check, orphanBlobs, salvaged } = rescued;
  const lines: string[] = [];
  if (snapshot === undefined || reached === undefined)
    lines.push(
      salvaged === undefined
        ? "Nothing was made. With --salvage what is stored gets names in a new bucket, one object for each blob; a backup (quarry restore) brings more."
        : "There was no snapshot: all names are lost.",
    );
  else
    lines.push(
      `The metadata are those of entry ${reached.index}, ${new Date(reached.timeMs).toISOString()} (snapshot of entry ${snapshot.index}, and the log behind it).`,
    );
  if (check !== undefined) {
    lines.push(
      check.missing === 0
        ? "All bytes that they name are there."
        : `${counted(check.missing, "name")} with missing bytes: see above.`,
      `${counted(check.orphans, "needle")} (${formatBytes(check.orphanBytes)}, ${counted(orphanBlobs, "blob")}) that they do not name${salvaged === undefined && orphanBlobs > 0 ? `: kept for ${flags.keepOrphans} days; --salvage gives them names` : ""}.`,
    );
  }
  if (salvaged !== undefined)
    lines.push(
      `Salvaged ${counted(salvaged.objects, "object")} (${formatBytes(salvaged.bytes)})${salvaged.bucket === undefined ? "" : ` into s3://${salvaged.bucket}`}; ${counted(salvaged.broken, "blob")} could not be put together.`,
    );
  if (check !== undefined)
    lines.push(
      flags.dryRun === true
        ? "Nothing was kept: this was a dry run."
        : `${target} is ready. Next: ${flags.node === undefined ? `quarry serve --data ${flags.to}` : `quarry nameserver --data ${flags.to} --node ${flags.node} --peers ${flags.node}=HOST:PORT --secret-file secret`}`,
    );
  return lines.join("\n");
}
