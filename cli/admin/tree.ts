/** `quarry admin tree`: regions, zones, racks, hosts and their devices, with weight, fill and state. */
import { Command } from "commander";
import type { MappedDevice, Place } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import { formatBytes } from "../objects/printable.ts";
import { type ClusterFlags, type ClusterView, table, withCluster } from "./cluster-view.ts";
import { withOutput } from "./pools.ts";

export function treeCommand(): Command {
  return withOutput(
    new Command("tree").description("places and their devices: weight, fill, up, in"),
  ).action((flags: ClusterFlags) =>
    withCluster(flags, (cluster) => {
      const rows = [...nodesOf(cluster)];
      if (flags.json === true) for (const row of rows) console.log(JSON.stringify(row));
      else console.log(table(TITLES, rows.map(cellsOf)));
    }),
  );
}

interface Node {
  readonly depth: number;
  readonly type: string;
  readonly name: string;
  readonly id: number;
  /** 1.0 a tebibyte. */
  readonly weight: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly device?: MappedDevice & { readonly state: string };
}

/** Each place before what lies in it; places without devices are left out. */
export function* nodesOf(cluster: ClusterView): Generator<Node> {
  const { places, devices } = cluster.map;
  const placed = new Set(places.map(({ id }) => id));
  for (const root of places) if (root.parent === undefined) yield* below(cluster, root, 0);
  for (const device of devices)
    if (device.place === undefined || !placed.has(device.place)) yield leaf(cluster, device, 0);
}

function* below(cluster: ClusterView, place: Place, depth: number): Generator<Node> {
  const { places, devices } = cluster.map;
  const inside: Node[] = [];
  for (const inner of places)
    if (inner.parent === place.id) inside.push(...below(cluster, inner, depth + 1));
  for (const device of devices)
    if (device.place === place.id) inside.push(leaf(cluster, device, depth + 1));
  const leaves = inside.filter(({ device }) => device !== undefined);
  if (leaves.length === 0) return;
  const sum = (of: (node: Node) => number) => leaves.reduce((all, node) => all + of(node), 0);
  yield {
    ...{ depth, type: place.type, name: place.name, id: place.id },
    weight: sum(({ weight }) => weight),
    totalBytes: sum(({ totalBytes }) => totalBytes),
    usedBytes: sum(({ usedBytes }) => usedBytes),
  };
  yield* inside;
}

function leaf(cluster: ClusterView, device: MappedDevice, depth: number): Node {
  const { state, totalBytes, freeBytes } = cluster.stateOf(device);
  return {
    ...{ depth, type: "device", name: osdName(device.number), id: device.number },
    weight: device.weight / 65_536,
    totalBytes,
    usedBytes: Math.max(0, totalBytes - freeBytes),
    device: { ...device, state },
  };
}

const TITLES = ["PLACE", "ID", "TYPE", "WEIGHT", "SIZE", "FILL", "STATE", "", "CLASS", "UUID"];

function cellsOf({ depth, type, name, id, weight, totalBytes, usedBytes, device }: Node): string[] {
  return [
    "  ".repeat(depth) + name,
    String(id),
    type,
    weight.toFixed(3),
    formatBytes(totalBytes),
    totalBytes === 0 ? "" : `${Math.round((usedBytes / totalBytes) * 100)} %`,
    device?.state ?? "",
    device === undefined ? "" : device.in ? "in" : "out",
    device?.class ?? "",
    device?.device ?? "",
  ];
}
