/** A real `quarry serve`, and a client that reaches its metadata and blocks as its gateways do. */
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { readAccess } from "../../cli/serve/access-file.ts";
import { createClient } from "../../client/client.ts";
import type { Store } from "../../client/store.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { blockTable, nameTable } from "../../rpc/tables.ts";
import { type ServerProcess, startServer } from "../server-process.ts";

export interface RunningStore extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly store: Store;
}

export async function runStore(options: {
  readonly data: string;
  readonly port: number;
  /** Of FastDFS' storage. */
  readonly fastdfsPort: number;
}): Promise<RunningStore> {
  const { fastdfsPort } = options;
  const args = ["--fastdfs-tracker", "0", "--fastdfs-storage", String(fastdfsPort)];
  const server = await startServer({ ...options, args });
  const { path, secret } = await readAccess(options.data);
  const rpc = new RpcClient({
    ...{ address: { path }, secret: Buffer.from(secret, "hex") },
    ...{ clock: systemClock, random: systemRandom },
  });
  const blocks = connect(blockTable, rpc);
  const store = createClient({
    ...{ names: connect(nameTable, rpc), serviceOf: () => blocks },
    ...{ clock: systemClock, random: systemRandom },
    onClose: async () => rpc.close(),
  });
  return {
    ...{ server, store },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
