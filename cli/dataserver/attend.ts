/** A dataserver's connections to the nameservers: one follows the leader, the others bring heartbeats. */
import { assert } from "../../base/errors.ts";
import type { ServerId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { SOFTWARE_VERSION } from "../../base/version.ts";
import { LeaderNames } from "../../client/leader.ts";
import { Attendance } from "../../dataserver/attendance.ts";
import type { Dataserver } from "../../dataserver/dataserver.ts";
import { formatAddress, parseAddress } from "../../rpc/address.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { RpcClient } from "../../rpc/client.ts";
import { emptyMap } from "../../rpc/cluster-map.ts";
import { connect } from "../../rpc/connect.ts";
import { osdName } from "../../rpc/crush-map.ts";
import { type ReplacedDevice, replacedDevices } from "../../rpc/replaced-devices.ts";
import { livenessTable } from "../../rpc/tables.ts";
import type { Peers, Trust } from "../peers.ts";
import type { DataserverSettings } from "./settings.ts";

export interface Attending {
  readonly settings: DataserverSettings;
  readonly peers: Peers;
  readonly dataserver: Dataserver;
  readonly server: ServerId;
  readonly address: string;
  readonly report: (message: string) => void;
}

export interface Attended extends AsyncDisposable {
  readonly attendance: Attendance;
}

/** Registers with whoever leads, and tells all nameservers of itself from then on. */
export function attend(of: Attending): Attended {
  const { peers, dataserver, server, address, report } = of;
  const { addresses, trust } = peers;
  // Nobody waits for an answer here: it is asked again at once, and the trouble is told early.
  const leader = new LeaderNames({ ...trust, addresses, patienceMs: limits.heartbeatAnswerMs });
  const lines = new Map<string, RpcClient>();
  const attendance = new Attendance({
    ...{ clock: trust.clock, server, address, report },
    devices: () => dataserver.devices(),
    register: async (devices) => {
      const result = await leader.names.execute(registration(of, devices));
      assert(result.type === "epoch", "a registration is answered with an epoch");
      const { map = emptyMap } = await leader.names.clusterMap(0);
      for (const pair of replacedDevices(map))
        if (pair.now.server === server) report(replacedWords(pair));
      return result.epoch;
    },
    nameservers: addresses.map(formatAddress),
    lineTo: (nameserver) => {
      const line = lines.get(nameserver) ?? open(nameserver, peers.trust);
      lines.set(nameserver, line);
      return connect(livenessTable, line);
    },
  });
  return {
    attendance,
    async [Symbol.asyncDispose]() {
      await attendance.leave();
      await leader[Symbol.asyncDispose]();
      for (const line of lines.values()) line.close();
      await attendance[Symbol.asyncDispose]();
    },
  };
}

function replacedWords({ old, now }: ReplacedDevice): string {
  return `${now.path} has a new device, ${now.device} (${osdName(now.number)}): it was wiped, or is another disk. ${old.device} (${osdName(old.number)}), which was there before, stays in the cluster map as down. If it is lost: what it held is made anew elsewhere after a while, and \`quarry admin device rm ${old.device}\` then takes it from the map`;
}

function open(nameserver: string, trust: Trust): RpcClient {
  const address = parseAddress(nameserver);
  return new RpcClient({ ...trust, address, deadlineMs: limits.heartbeatAnswerMs });
}

function registration({ settings, server, address }: Attending, devices: readonly DeviceStatus[]) {
  const { location, class: kind } = settings;
  return {
    ...({
      type: "registerDataserver",
      server,
      address,
      location,
      version: SOFTWARE_VERSION,
    } as const),
    devices: devices.map(({ device, path, totalBytes }) => ({
      ...{ device, path, capacityBytes: totalBytes },
      ...(kind !== undefined && { class: kind }),
    })),
  };
}
