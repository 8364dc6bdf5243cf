/** `quarry admin dataserver`: who stores, where, how full, and who is up. */
import { Command } from "commander";
import { LeaderNames } from "../../client/leader.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap, MappedDataserver, MappedDevice } from "../../rpc/cluster-map.ts";
import { awake } from "../awake.ts";
import { placeText } from "../dataserver/location.ts";
import { formatBytes } from "../objects/printable.ts";
import { openPeers, type PeerFlags, withClusterOptions } from "../peers.ts";

interface StatusFlags extends PeerFlags {
  readonly json?: boolean;
}

export function dataserversCommand(): Command {
  return new Command("dataserver").description("dataservers of a cluster").addCommand(
    withClusterOptions(
      new Command("status").description("where they are, how full, and whether they are up"),
    )
      .option("--json", "one JSON object a device")
      .action((flags: StatusFlags) => awake(status(flags))),
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
  for (const server of map.dataservers) {
    lines.push(heading(server));
    for (const device of map.devices)
      if (device.server === server.server) lines.push(line(device, stateOf(states, device)));
  }
  return lines.join("\n");
}

function heading({ address, location, server }: MappedDataserver): string {
  return `${placeText(location)}  ${address}  dataserver ${server}`;
}

function line(device: MappedDevice, { state, freeBytes, path }: DeviceStatus): string {
  const kind = device.class === undefined ? "" : `  ${device.class}`;
  const room = `${formatBytes(freeBytes)} of ${formatBytes(device.capacityBytes)} free`;
  return `  device ${device.number}  ${state}  ${room}${kind}  ${path}`;
}

function stateOf(states: readonly DeviceStatus[], { device }: MappedDevice): DeviceStatus {
  const known = states.find((one) => one.device === device);
  return known ?? { device, path: "", totalBytes: 0, freeBytes: 0, state: "down" };
}
