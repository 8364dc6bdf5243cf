/** `quarry admin device`: single devices: how they stand, what they are meant to hold, and that they go. */
import { Command, InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { ClusterMap, MappedDevice } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import { placeText } from "../dataserver/location.ts";
import { formatBytes } from "../objects/printable.ts";
import { type ClusterFlags, type ClusterView, change, table, withCluster } from "./cluster-view.ts";
import { withOutput } from "./pools.ts";

/** Of the cluster map: 16.16 fixed point. */
const WEIGHT_ONE = 65_536;

export function deviceCommand(): Command {
  const one = (name: string, description: string) =>
    withOutput(
      new Command(name)
        .description(description)
        .argument("<device>", "as in osd.3, 3, or its UUID"),
    );
  return new Command("device")
    .description("devices: how they stand, and whether they are meant to hold data")
    .addCommand(
      withOutput(new Command("ls").description("all devices")).action((flags: ClusterFlags) =>
        withCluster(flags, (cluster) => list(cluster, flags.json === true)),
      ),
    )
    .addCommand(
      one("show", "all that is known of one").action((wanted: string, flags: ClusterFlags) =>
        withCluster(flags, (cluster) => show(cluster, wanted, flags.json === true)),
      ),
    )
    .addCommand(
      one("out", "move what it holds elsewhere, and put nothing new on it").action(
        (wanted: string, flags: ClusterFlags) =>
          set(
            flags,
            wanted,
            { in: false },
            "is out: nothing new is put on it, and what it holds is made elsewhere; `quarry admin health` tells how far that is",
          ),
      ),
    )
    .addCommand(
      one("in", "let it hold data again").action((wanted: string, flags: ClusterFlags) =>
        set(flags, wanted, { in: true }, "is in: its share of the data moves to it"),
      ),
    )
    .addCommand(
      one("weight", "give it another share of the data")
        .argument(
          "<weight>",
          "1.0 is that of a tebibyte; `capacity`: as much as it holds",
          parseWeight,
        )
        .action((wanted: string, weight: number | null, flags: ClusterFlags) =>
          set(
            flags,
            wanted,
            { weight },
            `weighs ${weight === null ? "as much as it holds" : weight / WEIGHT_ONE} from now on: blocks move until each device has its share`,
          ),
        ),
    )
    .addCommand(
      one(
        "rm",
        "take one that is out and empty, and not served any more, from the map for good",
      ).action((wanted: string, flags: ClusterFlags) =>
        change(
          flags,
          (map) => ({ type: "removeDevice", device: findDevice(map, wanted).device }),
          (map) => `${nameIn(map, wanted)} is taken from the map for good`,
        ),
      ),
    );
}

function set(
  flags: ClusterFlags,
  wanted: string,
  to: { readonly in?: boolean; readonly weight?: number | null },
  words: string,
): Promise<void> {
  return change(
    flags,
    (map) => ({ type: "changeDevice", device: findDevice(map, wanted).device, ...to }),
    (map) => `${nameIn(map, wanted)} ${words}`,
  );
}

const nameIn = (map: ClusterMap, wanted: string) => osdName(findDevice(map, wanted).number);

function parseWeight(text: string): number | null {
  if (text === "capacity") return null;
  const weight = Math.round(Number(text) * WEIGHT_ONE);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isSafeInteger(weight))
    throw new InvalidArgumentError("It is a number such as 1.8; 0: nothing new goes there.");
  return weight;
}

/** @throws QuarryError `NoSuchDevice` that tells which there are. */
export function findDevice({ devices }: ClusterMap, wanted: string): MappedDevice {
  const found = devices.find(
    ({ number, device }) =>
      osdName(number) === wanted || String(number) === wanted || device === wanted,
  );
  if (found !== undefined) return found;
  const known = devices.slice(0, 10).map(({ number }) => osdName(number));
  const more = devices.length > known.length ? ", …" : "";
  const are =
    known.length === 0 ? "none has registered yet" : `there are ${known.join(", ")}${more}`;
  throw new QuarryError("NoSuchDevice", `there is no device ${wanted}; ${are}`);
}

function described({ map, stateOf }: ClusterView, device: MappedDevice) {
  const server = map.dataservers.find((one) => one.server === device.server);
  const { state, totalBytes, freeBytes, path } = stateOf(device);
  return {
    name: osdName(device.number),
    ...device,
    weight: device.weight / WEIGHT_ONE,
    ...{ state, totalBytes, freeBytes, path: path === "" ? (device.path ?? "") : path },
    ...(server && { address: server.address, location: placeText(server.location) }),
  };
}

function list(cluster: ClusterView, isJson: boolean): void {
  const all = cluster.map.devices.map((device) => described(cluster, device));
  if (isJson) for (const one of all) console.log(JSON.stringify(one));
  else
    console.log(
      table(
        ["DEVICE", "STATE", "", "WEIGHT", "FREE", "SIZE", "CLASS", "PLACE", "ADDRESS", "PATH"],
        all.map((one) => [
          one.name,
          one.state,
          one.in ? "in" : "out",
          one.weight.toFixed(3),
          one.state === "down" ? "-" : formatBytes(one.freeBytes),
          formatBytes(one.totalBytes),
          one.class ?? "",
          one.location ?? "",
          one.address ?? "",
          one.path,
        ]),
      ),
    );
}

async function show(cluster: ClusterView, wanted: string, isJson: boolean): Promise<void> {
  const one = described(cluster, findDevice(cluster.map, wanted));
  const { devices } = await cluster.names.capacity();
  const room = devices.find(({ device }) => device === one.device);
  if (isJson) {
    console.log(JSON.stringify({ ...one, repairBytes: room?.repairBytes, takes: room?.takes }));
    return;
  }
  const put = one.in ? "in" : one.outBy === "planner" ? "out, since it was down for long" : "out";
  console.log(`${one.name}  ${one.device}
state     ${one.state}, ${put}${room?.takes === true ? "" : "; takes no new blocks"}
place     ${one.location ?? "none"}
server    ${one.server} at ${one.address ?? "no address"}
path      ${one.path}
class     ${one.class ?? "none"}
weight    ${one.weight.toFixed(3)}
room      ${formatBytes(one.freeBytes)} of ${formatBytes(one.totalBytes)} free, ${formatBytes(room?.repairBytes ?? 0)} of it kept for repairs`);
}
