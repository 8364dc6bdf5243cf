/** Where gateway processes and `quarry admin` reach metadata and blocks: a Unix socket of its owner alone. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { Servers } from "../../client/open-servers.ts";
import { fitsSocket } from "../../rpc/address.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { blockTable, nameTable } from "../../rpc/tables.ts";
import { removeAccess, type StorageAccess, writeAccess } from "./access-file.ts";

export interface StorageSocket extends StorageAccess, AsyncDisposable {
  readonly path: string;
  /** Hex. Made anew at every start, told to the gateways, and to who may read the access file. */
  readonly secret: string;
}

/** `directory` is locked by this process, so a socket left there is nobody's. */
export async function openStorageSocket(
  servers: Servers,
  directory: string,
  logger: Logger,
): Promise<StorageSocket> {
  const { path, remove } = await place(directory);
  const secret = systemRandom.bytes(32);
  const server = await RpcServer.listen({
    address: { path },
    secret,
    clock: systemClock,
    random: systemRandom,
    services: [serve(servers.nameserver, nameTable), serve(servers.dataserver, blockTable)],
    report: (message) => logger.warn(message),
  });
  const access = { path, secret: secret.toString("hex") };
  await writeAccess(directory, access);
  return {
    ...access,
    async [Symbol.asyncDispose]() {
      await removeAccess(directory);
      await server.close();
      await remove();
    },
  };
}

/** In the data folder, or beside it when that path is too long for a socket. */
async function place(directory: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = join(directory, "storage.sock");
  if (fitsSocket(path)) {
    const remove = () => rm(path, { force: true });
    await remove();
    return { path, remove };
  }
  const elsewhere = await mkdtemp(join(tmpdir(), "quarry-"));
  return {
    path: join(elsewhere, "storage.sock"),
    remove: () => rm(elsewhere, { recursive: true, force: true }),
  };
}
