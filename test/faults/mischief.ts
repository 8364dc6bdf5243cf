/** What chaos does to processes: each begins, lasts for a while, and ends; how many at once is bounded. */
import { join } from "node:path";
import { dropBallast, loadBallast } from "../../cli/cluster/ballast.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { Cluster } from "../cluster.ts";
import type { PrivateNetwork } from "./private-network.ts";
import { harm } from "./rotten.ts";

export type RoleName = "nameserver" | "dataserver" | "gateway";

/** Of each device, while it is not filled. */
export const CAPACITY_BYTES = 16 * 2 ** 30;

export interface Stage {
  readonly cluster: Cluster;
  readonly dice: Dice;
  /** Absent: no links can be cut here. */
  readonly network: PrivateNetwork | undefined;
  /** The host of a process in that network. */
  readonly hostOf: (role: RoleName, n: number) => number;
}

export interface Mischief {
  readonly what: string;
  readonly role: RoleName;
  readonly n: number;
  readonly untilMs: number;
  /** It is over when nothing of it is left, too. */
  readonly isHealed?: () => Promise<boolean>;
  readonly end: () => Promise<void> | void;
}

type Kind = (stage: Stage, role: RoleName, n: number) => Promise<() => Promise<void> | void>;

const kill: Kind = async ({ cluster }, role, n) => {
  if (role === "nameserver") await cluster.group.end(n, "SIGKILL");
  else await cluster.end(role, n, "SIGKILL");
  return () => (role === "nameserver" ? cluster.group.start(n) : cluster.start(role, n));
};

const pause: Kind = async ({ cluster }, role, n) => {
  const signal = (which: "SIGSTOP" | "SIGCONT") =>
    role === "nameserver" ? cluster.group.signal(n, which) : cluster.signal(role, n, which);
  signal("SIGSTOP");
  return () => signal("SIGCONT");
};

/** From all others, in both directions or in one. */
const cut: Kind = async ({ network, hostOf, dice }, role, n) => {
  if (network === undefined) throw new Error("there is no network to cut");
  const host = hostOf(role, n);
  const way = dice.between(0, 2);
  const pairs = network.everybody
    .filter((other) => other !== host)
    .flatMap((other): [number, number][] => [
      ...(way === 1 ? [] : [[host, other] as [number, number]]),
      ...(way === 2 ? [] : [[other, host] as [number, number]]),
    ]);
  for (const [from, to] of pairs) network.cut(from, to);
  return () => {
    for (const [from, to] of pairs) network.join(from, to);
  };
};

const fill: Kind = async ({ cluster }, _role, n) => {
  const folder = join(cluster.folder(n), "device");
  await loadBallast(folder, CAPACITY_BYTES, 0);
  return () => dropBallast(folder);
};

export const kinds = { kill, pause, cut, fill } as const;

const LONGEST_MS: Record<RoleName, number> = {
  nameserver: 8_000,
  dataserver: 15_000,
  gateway: 5_000,
};

export async function begin(
  stage: Stage,
  kind: keyof typeof kinds,
  role: RoleName,
  n: number,
): Promise<Mischief> {
  const end = await kinds[kind](stage, role, n);
  const untilMs = performance.now() + stage.dice.between(500, LONGEST_MS[role]);
  return { what: kind, role, n, untilMs, end };
}

/** Its files are harmed while it runs; over when `isHealed`. */
export async function corrupt(
  { cluster, dice }: Stage,
  n: number,
  isHealed: () => Promise<boolean>,
): Promise<Mischief> {
  const wanted = { flips: 50, truncations: 1, indexFlips: 1 };
  await harm(join(cluster.folder(n), "device"), wanted, dice);
  const end = () => undefined;
  return { what: "corrupt", role: "dataserver", n, untilMs: performance.now(), isHealed, end };
}
