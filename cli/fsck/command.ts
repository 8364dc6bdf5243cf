/** `quarry fsck`: is everything there that should be? */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { exitCodes } from "../exit-code.ts";
import { counted, formatBytes } from "../objects/printable.ts";
import { said } from "./finding.ts";
import { type Checked, fsck } from "./fsck.ts";

interface FsckFlags {
  readonly data: readonly string[];
  readonly json?: boolean;
}

export function fsckCommand(): Command {
  return new Command("fsck")
    .description("check a store that does not run, every byte of it; nothing is changed")
    .requiredOption("--data <dir...>", "all data folders of the store")
    .option("--json", "findings and the result as JSON, one object a line")
    .addHelpText(
      "after",
      `
Log, state and blocks are held against their checksums, and against each other.

Exit codes: 0 nothing is wrong, 1 something is.

Example:
  quarry fsck --data ./data`,
    )
    .action(async ({ data, json }: FsckFlags) => {
      const checked = await fsck({
        ...{ disk: nodeDisk, clock: systemClock, directories: data },
        onFinding: (finding) =>
          console.log(json === true ? JSON.stringify(finding) : `  ${said(finding)}`),
        onStep: (text) => {
          if (json !== true) console.log(text);
        },
      });
      if (json === true) console.log(JSON.stringify({ kind: "result", ...checked }));
      else console.log(summary(checked));
      process.exitCode = checked.findings === 0 ? exitCodes.done : exitCodes.failed;
    });
}

function summary({ nameserver, audit, check, findings }: Checked): string {
  const lines: string[] = [];
  if (audit !== undefined) {
    const { rows, buckets, objects, versions, blobs } = audit;
    lines.push(
      `metadata: ${counted(rows, "row")}, ${counted(buckets, "bucket")}, ${counted(objects, "object")}, ${counted(versions, "old version")}, ${counted(blobs, "blob")}`,
    );
  }
  if (check !== undefined) {
    const { needles, orphans, orphanBytes, free, thin, missing } = check;
    lines.push(
      `blocks: ${counted(needles, "needle")}, of which ${free} have no names by intention`,
      `without bytes: ${counted(missing, "name")}; without names: ${counted(orphans, "needle")} (${formatBytes(orphanBytes)}; leftovers of writes that did not end are removed when their block settles)`,
    );
    if (thin > 0)
      lines.push(`${counted(thin, "needle")} are missing on one device and there on another`);
  }
  lines.push(advice(nameserver, audit, check, findings));
  return lines.join("\n");
}

function advice(
  nameserver: Checked["nameserver"],
  audit: Checked["audit"],
  check: Checked["check"],
  findings: number,
): string {
  if (findings === 0)
    return check === undefined
      ? "Nothing is wrong with what was looked at. Metadata and blocks were not held against each other: name the folders of both."
      : "Nothing is wrong.";
  const count = `${counted(findings, "finding")}, see above.`;
  if (nameserver === undefined)
    return `${count} The metadata are in none of these folders: quarry rescue makes them anew, quarry restore brings back a backup.`;
  if (audit === undefined || audit.problems > 0)
    return `${count} The metadata are harmed. In a group: remove this nameserver and let a new one join. Alone: move ${nameserver} away, then quarry restore (a backup) or quarry rescue (from the blocks).`;
  if ((check?.missing ?? 0) > 0)
    return `${count} Objects with missing bytes cannot be read whole: name all devices of the store, or put back from elsewhere what is listed and delete it here.`;
  return `${count} What is damaged is not served; what names it is listed above, if anything does.`;
}
