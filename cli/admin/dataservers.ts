/** `quarry admin dataserver`: who stores, where, how full, and who is up. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { LeaderNames } from "../../client/leader.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap, MappedDataserver, MappedDevice } from "../../rpc/cluster-map.ts";
import { awake } from "../awake.ts";
import { placeText } from "../dataserver/location.ts";
import { formatBytes } from "../objects/printable.ts";
import { openPeers, type PeerFlags, withClusterOptions } from "../peers.ts";
import { type ClusterFlags, change } from "./cluster-view.ts";
import { withOutput } from "./pools.ts";

interface StatusFlags extends PeerFlags {
  readonly json?: boolean;
}

export function dataserversCommand(): Command {
  return new Command("dataserver")
    .description("dataservers of a cluster")
    .addCommand(
      withClusterOptions(
        new Command("status").description("where they are, how full, and whether they are up"),
      )
        .option("--json", "one JSON object a device")
        .action((flags: StatusFlags) => awake(status(flags))),
    )
    .addCommand(
      withOutput(
        new Command("rm")
          .description("take one that is down, and has no device any more, from the map for good")
          .argument("<dataserver>", "its address, or its UUID, as `status` tells them"),
      ).action((wanted: string, flags: ClusterFlags) =>
        change(
          flags,
          (map) => ({ type: "removeDataserver", server: findDataserver(map, wanted).server }),
          () => `dataserver ${wanted} is taken from the map for good`,
        ),
      ),
    );
}

/** @throws QuarryError `NoSuchDevice` that tells how to say which. */
function findDataserver({ dataservers }: ClusterMap, wanted: string): MappedDataserver {
  const found = dataservers.filter(
    ({ address, server }) => address === wanted || server === wanted,
  );
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  if (one !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${found.length} dataservers were at ${wanted}: say the UUID of one, ${found.map(({ server }) => server).join(" or ")}`,
    );
  throw new QuarryError(
    "NoSuchDevice",
    `there is no dataserver ${wanted}; \`quarry admin dataserver status\` tells which there are`,
  );
}

async function status(flags: StatusFlags): Promise<void> {
  using peers = await openPeers(flags, console.error);
  await using leader = new LeaderNames({ ...peers.trust, addresses: peers.addresses });
  const { map } = await leader.names.clusterMap(0);
  const states = await leader.names.deviceStates();
  if (map === undefined) console.error("no dataserver has registered yet");
  else if (flags.json === true)
    for (const one of described(map, states)) console.log(JSON.stringify(one));
  else console.log(picture(map, states));
}

function* described(map: ClusterMap, states: readonly DeviceStatus[]) {
  for (const device of map.devices) {
    const server = map.dataservers.find((one) => one.server === device.server);
    const { state, freeBytes } = stateOf(states, device);
    const { address, location } = server ?? {};
    yield { epoch: map.epoch, ...device, address, location, state, freeBytes };
  }
}

function picture(map: ClusterMap, states: readonly DeviceStatus[]): string {
  const lines = [`epoch ${map.epoch} of the cluster map`];
  const inOrder = map.dataservers.toSorted((a, b) => compare(heading(a), heading(b)));
  for (const server of inOrder) {
    lines.push(heading(server));
    for (const device of map.devices)
      if (device.server === server.server) lines.push(line(device, stateOf(states, device)));
  }
  return lines.join("\n");
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

function heading({ address, location, server }: MappedDataserver): string {
  return `${placeText(location)}  ${address}  dataserver ${server}`;
}

function line(device: MappedDevice, { state, freeBytes, path }: DeviceStatus): string {
  const kind = device.class === undefined ? "" : `  ${device.class}`;
  const size = formatBytes(device.capacityBytes);
  const room = state === "down" ? size : `${formatBytes(freeBytes)} of ${size} free`;
  return `  device ${device.number}  ${state}  ${room}${kind}  ${path}`;
}

function stateOf(states: readonly DeviceStatus[], { device }: MappedDevice): DeviceStatus {
  const known = states.find((one) => one.device === device);
  return known ?? { device, path: "", totalBytes: 0, freeBytes: 0, state: "down" };
}
