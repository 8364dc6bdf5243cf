/**
 * A store in one process is a cluster of one dataserver: its devices register with its own nameserver
 * and are heard of as those of any other, only without sockets. So pools, places and health are the
 * same there, and other dataservers can join later.
 */
import type { Clock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import { SOFTWARE_VERSION } from "../base/version.ts";
import { Attendance } from "../dataserver/attendance.ts";
import type { Dataserver } from "../dataserver/dataserver.ts";
import type { Nameserver } from "../nameserver/nameserver.ts";
import type { Location } from "../rpc/cluster-map.ts";

/** Nobody listens there; it only stands in the map. */
const ADDRESS = "127.0.0.1:0";

export interface OwnDevices {
  readonly nameserver: Nameserver;
  readonly dataserver: Dataserver;
  readonly clock: Clock;
  readonly location: Location;
  readonly report: (message: string) => void;
}

/** Resolves when they are registered, or when that has to be tried again and was told. */
export async function attendOwnDevices(of: OwnDevices): Promise<Attendance> {
  const { nameserver, dataserver, clock, location, report } = of;
  const troubled = Promise.withResolvers<void>();
  // Whoever has the metadata has the first of these devices: one id will do for both.
  const { id: server } = nameserver;
  const attendance = new Attendance({
    ...{ clock, server, address: ADDRESS },
    report: (message) => {
      troubled.resolve();
      report(message);
    },
    devices: () => dataserver.devices(),
    register: async (devices) => {
      const result = await nameserver.execute({
        ...({ type: "registerDataserver", server, address: ADDRESS, location } as const),
        version: SOFTWARE_VERSION,
        devices: devices.map(({ device, path, totalBytes }) => ({
          ...{ device, path, capacityBytes: totalBytes },
        })),
      });
      assert(result.type === "epoch", "a registration is answered with an epoch");
      return result.epoch;
    },
    nameservers: ["this process"],
    lineTo: () => nameserver.liveness,
  });
  const failed = attendance.failed.then((failure) => Promise.reject(failure));
  failed.catch(() => undefined); // only the first attempt is waited for
  await Promise.race([attendance.registered, troubled.promise, failed]);
  return attendance;
}
