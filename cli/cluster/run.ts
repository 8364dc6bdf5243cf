/** Runs a cluster until somebody ends it, and shows it: as a table with a prompt, lines, or JSON. */
import { type Clock, sleep } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { explain } from "../explain.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { counted } from "../objects/printable.ts";
import { askedToStop } from "../serve/stop-signals.ts";
import { stayAlive } from "../stay-alive.ts";
import { carryOut } from "./carry-out.ts";
import { listenForOrders } from "./control.ts";
import { type ClusterEvent, lineOf } from "./events.ts";
import { makePools } from "./first-pools.ts";
import { pathsOf } from "./folder.ts";
import { Observer } from "./observer.ts";
import type { Order } from "./orders.ts";
import { picture } from "./picture.ts";
import { type ClusterPlan, membersOf } from "./plan.ts";
import { obey } from "./prompt.ts";
import { Screen } from "./screen.ts";
import type { ClusterSettings } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

export interface RunOptions extends ClusterSettings {
  readonly json: boolean;
  /** Sizes were given, which count for a new cluster only. */
  readonly isSized: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

export async function runCluster(options: RunOptions): Promise<void> {
  const { directory, json, clock, random } = options;
  using _ = stayAlive();
  let show = (event: ClusterEvent) => console.log(json ? JSON.stringify(event) : lineOf(event));
  const tell = (event: ClusterEvent) => show(event);
  const notice = (message: string) => tell({ event: "notice", message });
  let running: Supervisor | undefined;
  const asked = askedToStop(() => {
    running?.killAll();
    process.exit(130);
  });
  const quit = Promise.withResolvers<void>();
  // The terminal is gone: nobody can stop the cluster in order any more but this process.
  process.once("SIGHUP", quit.resolve);
  await using cluster = await Supervisor.open({ ...options, tell, environment: process.env });
  running = cluster;
  const secret = await readSecret(pathsOf(directory).secret);
  await using observer = new Observer({ cluster, secret, clock, random });
  await using leader = new LeaderNames({
    ...{ secret, clock, random, addresses: cluster.nameservers },
  });
  const order = (one: Order) => carryOut(cluster, leader.names, one);
  await using _orders = await listenForOrders({
    ...{ directory, secret, clock, random },
    service: { carryOut: order, view: () => observer.look() },
    report: (trouble) => notice(explain(trouble)),
  });
  {
    using screen = isTerminal(json) ? openScreen(order, notice, quit.resolve) : undefined;
    const atEnd = show;
    if (screen !== undefined) show = (event) => screen.say(lineOf(event));
    notice(greeting(cluster, options));
    const ending = new AbortController();
    const showing = keepShowing(screen, observer, clock, ending.signal);
    const failed = new Promise<never>((_, reject) =>
      cluster.start((pools) => makePools(leader.names, pools)).catch(reject),
    );
    try {
      await Promise.race([asked, quit.promise, failed, showing]);
    } finally {
      ending.abort();
      show = atEnd;
    }
  }
  notice("stopping gateways, dataservers, nameservers …");
  await cluster.stop();
}

const isTerminal = (json: boolean) =>
  !json && process.stdin.isTTY === true && process.stdout.isTTY === true;

function openScreen(
  order: (order: Order) => Promise<string[]>,
  say: (text: string) => void,
  quit: () => void,
): Screen {
  const typed = (line: string) => void obey(line, { carryOut: order, say, quit });
  const { stdin: input, stdout: output } = process;
  return new Screen({
    input,
    output,
    typed,
    interrupted: () => process.kill(process.pid, "SIGINT"),
  });
}

/** Without a screen nobody is asked. */
async function keepShowing(
  screen: Screen | undefined,
  observer: Observer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    screen?.show(picture(await observer.look()));
    await sleep(clock, limits.clusterLookMs, signal);
  }
}

function greeting({ plan, isNew }: Supervisor, { directory, isSized }: RunOptions): string {
  const size = sizeOf(plan);
  if (isNew) return `a new cluster in ${directory}: ${size}. Ctrl-C stops it, help lists orders`;
  const kept = isSized ? "; sizes count at the first start only, `add` makes it larger" : "";
  return `the cluster in ${directory}: ${size}${kept}`;
}

function sizeOf(plan: ClusterPlan): string {
  return (["nameserver", "dataserver", "gateway"] as const)
    .map((kind) => counted(membersOf(plan, kind).length, kind))
    .join(", ");
}
