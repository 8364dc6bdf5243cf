/** `quarry admin health`: whether all is well, and if not, what is endangered, why, and what is done. */
import { Command } from "commander";
import { sleep, systemClock } from "../../base/clock.ts";
import type { Health } from "../../rpc/health.ts";
import { exitCodes } from "../exit-code.ts";
import { parseDuration } from "../objects/printable.ts";
import { type ClusterFlags, type ClusterView, withCluster } from "./cluster-view.ts";
import { healthLines } from "./health-words.ts";
import { withOutput } from "./pools.ts";

interface HealthFlags extends ClusterFlags {
  readonly watch?: boolean;
  /** Seconds. */
  readonly wait?: number;
}

const LOOK_MS = 1_000;

const HELP = `
Levels, from worst to best: lost, unreadable, at risk, degraded, misplaced, unchecked, healthy.
Healthy is said only of what was read and found good since something could last have hurt it.
Exit code: 0 healthy, 1 not, or nobody says.`;

export function healthCommand(): Command {
  return withOutput(
    new Command("health").description("what is endangered, why, and what is being done about it"),
  )
    .option("--watch", "tell it again whenever it changes, until Ctrl-C")
    .option("--wait <time>", "wait until all is healthy, at most so long, as in 10m", parseDuration)
    .addHelpText("after", HELP)
    .action((flags: HealthFlags) => withCluster(flags, (cluster) => look(cluster, flags)));
}

async function look(cluster: ClusterView, { watch, wait = 0, json }: HealthFlags): Promise<void> {
  const isScreen = watch === true && json !== true && process.stdout.isTTY === true;
  const say = (health: Health) => {
    if (isScreen) process.stdout.write("\x1b[H\x1b[2J");
    if (json === true) console.log(JSON.stringify(health));
    else
      for (const line of healthLines(health, cluster.map, systemClock.nowMs())) console.log(line);
  };
  const untilMs = systemClock.monotonicMs() + wait * 1000;
  let told = "";
  for (;;) {
    const health = await cluster.names.health();
    const isHealthy = health.level === "healthy";
    const isOver = watch !== true && (isHealthy || systemClock.monotonicMs() >= untilMs);
    const now = newsOf(health);
    if (watch === true ? isScreen || now !== told : isOver) say(health);
    told = now;
    if (isOver) {
      if (!isHealthy) process.exitCode = exitCodes.failed;
      return;
    }
    await sleep(systemClock, LOOK_MS);
  }
}

/** What changes without anybody having to know it again is left out: the time, bytes, progress. */
function newsOf({ level, blocks, concerns, moreConcerns }: Health): string {
  return JSON.stringify([level, blocks, concerns.map(({ message }) => message), moreConcerns]);
}
