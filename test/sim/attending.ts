/** A simulated dataserver's place in the cluster: it registers and tells of itself, as the real one does. */
import { assert } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { Attendance } from "../../dataserver/attendance.ts";
import type { Dataserver } from "../../dataserver/dataserver.ts";
import { formatAddress, parseAddress } from "../../rpc/address.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { call, type Peer, type Ways } from "./calls.ts";
import { addressOf, portOf } from "./leading.ts";
import type { Line } from "./line.ts";
import { nameLine } from "./name-line.ts";
import type { SimDataserver } from "./sim-dataserver.ts";

export interface Attending {
  readonly line: Line;
  readonly ways: Ways;
  readonly peer: Peer;
  readonly dataserver: Pick<SimDataserver, "server" | "address" | "location">;
  readonly service: Dataserver;
  readonly report: (message: string) => void;
}

export function attend(of: Attending): Attendance {
  const { line, ways, peer, dataserver, service, report } = of;
  const { clock } = peer.process;
  const { server, address, location } = dataserver;
  const addresses = line.nodes.map(addressOf);
  const leader = new LeaderNames({
    ...{ addresses, secret: new Uint8Array(0), clock, random: seededRandom(line.dice.u32()) },
    patienceMs: limits.heartbeatAnswerMs,
    open: (to) => nameLine(line, peer, to),
  });
  const registration = (devices: readonly DeviceStatus[]) => ({
    ...({ type: "registerDataserver", server, address, location, version: "1" } as const),
    devices: devices.map(({ device, path, totalBytes }) => {
      return { device, path, capacityBytes: totalBytes };
    }),
  });
  return new Attendance({
    ...{ clock, server, address, report },
    devices: () => service.devices(),
    register: async (devices) => {
      const result = await leader.names.execute(registration(devices));
      assert(result.type === "epoch", "a registration is answered with an epoch");
      return result.epoch;
    },
    nameservers: addresses.map(formatAddress),
    lineTo: (nameserver) => {
      const node = line.nodeOn(portOf(parseAddress(nameserver)));
      const to = {
        ...{ id: node, name: `nameserver ${node}` },
        get process() {
          return line.nodeAt(node)?.process;
        },
        get service() {
          return line.nodeAt(node)?.liveness;
        },
      };
      const terms = { deadlineMs: limits.heartbeatAnswerMs, once: false };
      return { heartbeat: (beat) => call(ways, peer, to, terms, (it) => it.heartbeat(beat)) };
    },
  });
}
