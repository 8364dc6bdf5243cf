/** What one group of three nameservers carries on this machine, measured by bench/group.ts. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface GroupRate {
  readonly perSecond: number;
  /** CPU of the leader's thread for a `putObject`; it is the one that does not grow with more machines. */
  readonly leaderThreadMicros: number;
}

const script = join(import.meta.dirname, "../group.ts");

export async function groupRate(seconds: number): Promise<GroupRate> {
  const args = [
    script,
    "--full",
    "--rounds",
    "1",
    "--warm",
    `${seconds}`,
    "--seconds",
    `${seconds}`,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, "--json"]);
  const [run] = (JSON.parse(stdout) as { runs: GroupRate[] }).runs;
  if (run === undefined) throw new TypeError("a run was asked for");
  const { perSecond, leaderThreadMicros } = run;
  return { perSecond, leaderThreadMicros };
}
