/** Marks the devices of a dataserver as meant to hold data, or not: what the cluster map calls in and out. */
import { QuarryError } from "../../base/errors.ts";
import type { NameService } from "../../rpc/name-service.ts";

/** @throws QuarryError `InvalidArgument` for one that never registered. */
export async function markDevices(
  names: NameService,
  address: string,
  isIn: boolean,
): Promise<void> {
  const { map } = await names.clusterMap(0);
  const server = map?.dataservers.find((one) => one.address === address)?.server;
  const devices = map?.devices.filter((one) => one.server === server) ?? [];
  if (server === undefined || devices.length === 0)
    throw new QuarryError(
      "InvalidArgument",
      `the nameservers do not know the dataserver at ${address} yet; wait until it is up`,
    );
  for (const { device } of devices) await names.execute({ type: "changeDevice", device, in: isIn });
}
