/** What `quarry admin` knows of a cluster: its map, the devices as they are now, its leader. */
import { QuarryError } from "../../base/errors.ts";
import { LeaderNames } from "../../client/leader.ts";
import { formatAddress } from "../../rpc/address.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import { type ClusterMap, emptyMap, type MappedDevice } from "../../rpc/cluster-map.ts";
import type { Command } from "../../rpc/commands.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { awake } from "../awake.ts";
import { openPeers, type PeerFlags, type Peers } from "../peers.ts";

/** A leader that died is followed by another one within less. */
const SILENT_MS = 5_000;

export interface ClusterFlags extends PeerFlags {
  readonly json?: boolean;
}

export interface ClusterView {
  readonly names: NameService;
  readonly map: ClusterMap;
  stateOf(device: MappedDevice): DeviceStatus;
}

/** Looks at the cluster, and ends the connection when `use` is done. */
export function withCluster(
  flags: ClusterFlags,
  use: (cluster: ClusterView) => void | Promise<void>,
): Promise<void> {
  return awake(look(flags, use));
}

async function look(
  flags: ClusterFlags,
  use: (cluster: ClusterView) => void | Promise<void>,
): Promise<void> {
  using peers = await openPeers(flags, console.error);
  await using leader = new LeaderNames({ ...peers.trust, addresses: peers.addresses });
  const { map = emptyMap } = await firstAnswer(leader.names.clusterMap(0), peers);
  const states = new Map((await leader.names.deviceStates()).map((one) => [one.device, one]));
  await use({
    names: leader.names,
    map,
    stateOf: ({ device }) => states.get(device) ?? { device, ...unheard },
  });
}

/** Who waits for a leader that may be about to be elected hears that there is something to wait for. */
async function firstAnswer<Answer>(asking: Promise<Answer>, peers: Peers): Promise<Answer> {
  const note = peers.trust.clock.after(SILENT_MS, () =>
    console.error("no nameserver that leads has answered yet; asking on for some seconds …"),
  );
  try {
    return await asking;
  } catch (error) {
    throw error instanceof InterruptedCall ? nobodyAnswers(peers, error) : error;
  } finally {
    note.cancel();
  }
}

function nobodyAnswers({ addresses }: Peers, cause: Error): QuarryError {
  const asked = addresses.map(formatAddress).join(", ");
  const message = `no nameserver that leads answers (asked were ${asked}): does the cluster run, and do more than half of its nameservers? At last: ${cause.message}`;
  return new QuarryError("Unavailable", message, { cause });
}

const unheard = { path: "", totalBytes: 0, freeBytes: 0, state: "down" } as const;

/** Gives a command, and tells what comes of it, in `words` for people. */
export function change(
  flags: ClusterFlags,
  command: (map: ClusterMap) => Command,
  words: (map: ClusterMap) => string,
): Promise<void> {
  return withCluster(flags, async ({ names, map }) => {
    const result = await names.execute(command(map));
    const pool = result.type === "pool" ? `pool ${result.pool}: ` : "";
    const epoch = "epoch" in result ? ` (epoch ${result.epoch} of the cluster map)` : "";
    console.log(flags.json === true ? JSON.stringify(result) : `${pool}${words(map)}${epoch}`);
  });
}

/** Rows under their titles; the first column stands left, the others too. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return all.map(line).join("\n");
}
