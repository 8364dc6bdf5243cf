/** A whole store in memory: the real nameserver, dataserver and client on a simulated disk. */
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { systemRandom } from "../base/random.ts";
import { createClient } from "../client/client.ts";
import type { Store } from "../client/store.ts";
import { openDataserver } from "../dataserver/dataserver.ts";
import { openNameserver } from "../nameserver/nameserver.ts";
import { MemoryState } from "../nameserver/state-memory.ts";

export async function memoryStore(): Promise<Store> {
  const shared = {
    disk: new SimulatedDisk(),
    clock: systemClock,
    random: systemRandom,
    durability: "commit",
    report: () => undefined,
  } as const;
  const dataserver = await openDataserver({ ...shared, directories: ["/device"] });
  const nameserver = await openNameserver({
    ...shared,
    directory: "/nameserver",
    blocks: dataserver,
    openState: async () => new MemoryState(),
  });
  return createClient({
    names: nameserver,
    serviceOf: () => dataserver,
    clock: shared.clock,
    random: shared.random,
    onClose: async () => {
      await nameserver[Symbol.asyncDispose]();
      await dataserver[Symbol.asyncDispose]();
    },
  });
}

/** Makes a user who can sign. */
export async function addUser(
  { names }: Store,
  user: { readonly id: string; readonly displayName: string; readonly email?: string },
  keys: { readonly accessKey: string; readonly secretKey: string },
): Promise<void> {
  const { accessKey, secretKey } = keys;
  await names.execute({ type: "putUser", user });
  await names.execute({ type: "putAccessKey", user: user.id, accessKey, secretKey });
}
