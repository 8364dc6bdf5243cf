/** `quarry admin status`: the whole cluster on one screen. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import type { Capacity, Health } from "../../rpc/health.ts";
import { awake } from "../awake.ts";
import { counted, formatBytes } from "../objects/printable.ts";
import { openPeers } from "../peers.ts";
import { poolCells, poolTitles } from "./capacity.ts";
import { type ClusterFlags, table, withCluster } from "./cluster-view.ts";
import { headline, healingSummary } from "./health-words.ts";
import { type Answer, askAll, leaderOf } from "./nameserver-status.ts";
import { withOutput } from "./pools.ts";

/** Concerns that are told on the screen. */
const CONCERNS = 5;

export function statusCommand(): Command {
  return withOutput(
    new Command("status").description(
      "the whole cluster on one screen: servers, devices, pools, room, health, healing",
    ),
  )
    .addHelpText("after", "\nWhat is endangered and why: `quarry admin health`.")
    .action((flags: ClusterFlags) => awake(status(flags)));
}

export interface Screen {
  readonly map: ClusterMap;
  readonly states: readonly DeviceStatus[];
  readonly health: Health;
  readonly capacity: Capacity;
  /** Empty for a store in one process. */
  readonly nameservers: readonly Answer[];
}

async function status(flags: ClusterFlags): Promise<void> {
  const nameservers = flags.store === undefined ? await nameserversOf(flags) : [];
  await withCluster(flags, async ({ names, map, stateOf }) => {
    const [health, capacity] = await Promise.all([names.health(), names.capacity()]);
    const states = map.devices.map(stateOf);
    if (flags.json === true)
      console.log(JSON.stringify({ health, capacity, map, states, nameservers }));
    else
      for (const line of screenOf({ map, states, health, capacity, nameservers }))
        console.log(line);
  });
}

async function nameserversOf(flags: ClusterFlags): Promise<Answer[]> {
  using peers = await openPeers(flags, console.error);
  const { secret, tls } = peers.trust;
  return await askAll({
    ...{ clock: systemClock, random: systemRandom, secret, tls, servers: peers.addresses },
    ...{ json: false, say: () => undefined },
  });
}

export function screenOf(screen: Screen): string[] {
  const { map, states, health, capacity } = screen;
  const { concerns, moreConcerns, healing } = health;
  const told = concerns.slice(0, CONCERNS).map(({ message }) => `             ${message}`);
  const left = concerns.length + moreConcerns - told.length;
  const used = capacity.totalBytes - capacity.freeBytes;
  return [
    `health       ${headline(health)}`,
    ...told,
    ...(left > 0 ? [`             and ${left} more: \`quarry admin health\``] : []),
    ...nameserverLine(screen),
    `dataservers  ${serversText(map, states)}`,
    `devices      ${devicesText(map, states)}`,
    `room         ${formatBytes(used)} of ${formatBytes(capacity.totalBytes)} used, ${formatBytes(capacity.repairBytes)} kept for repairs`,
    ...(healing === undefined ? [] : [`healing      ${healingSummary(healing, health)}`]),
    "",
    table(poolTitles, capacity.pools.map(poolCells)),
  ];
}

function nameserverLine({ nameservers }: Screen): string[] {
  if (nameservers.length === 0) return [];
  const answering = nameservers.filter(({ status: one }) => one !== undefined).length;
  const leader = leaderOf(nameservers);
  const at = nameservers.find((one) => one.status?.node === leader?.node)?.address;
  const leads =
    leader === undefined ? "nobody leads" : `${leader.node} (${at}) leads in term ${leader.term}`;
  return [`nameservers  ${answering} of ${nameservers.length} answer, ${leads}`];
}

function serversText({ dataservers, devices, epoch }: ClusterMap, states: readonly DeviceStatus[]) {
  const up = new Set(states.filter(({ state }) => state !== "down").map(({ device }) => device));
  const serves = new Set(devices.flatMap((one) => (up.has(one.device) ? [one.server] : [])));
  return `${serves.size} of ${dataservers.length} up, epoch ${epoch} of the cluster map`;
}

function devicesText({ devices }: ClusterMap, states: readonly DeviceStatus[]): string {
  const counts = Map.groupBy(states, ({ state }) => state);
  const names = { ok: "up", full: "full", failed: "failed", down: "down" } as const;
  const parts = (["ok", "full", "failed", "down"] as const).flatMap((state) => {
    const count = counts.get(state)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${names[state]}`];
  });
  const out = devices.filter((one) => !one.in).length;
  const all = [...parts, ...(out === 0 ? [] : [`${out} out`])].join(", ");
  return `${counted(devices.length, "device")}${all === "" ? "" : `: ${all}`}`;
}
