/**
 * How another terminal reaches a running cluster: a Unix socket in its folder that only its owner can
 * open. It is spoken to as the servers speak to each other, and answers who knows the secret.
 */
import { chmod, rm } from "node:fs/promises";
import { type Clock, systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Random, systemRandom } from "../../base/random.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import type { ServiceTable } from "../../rpc/service-table.ts";
import { awake } from "../awake.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { knownPlan, pathsOf } from "./folder.ts";
import type { Order } from "./orders.ts";
import type { ClusterView } from "./view.ts";

export interface ControlService {
  /** What came of it, in words. */
  carryOut(order: Order): Promise<string[]>;
  view(): Promise<ClusterView>;
}

/** Both sides are of one version: it is spoken on one machine only. */
const controlTable: ServiceTable<ControlService> = {
  name: "cluster",
  id: 200,
  methods: { carryOut: { id: 1 }, view: { id: 2 } },
};

interface Listening {
  readonly directory: string;
  readonly service: ControlService;
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: (message: unknown) => void;
}

/** The folder is locked by this process, so a socket left there is nobody's. */
export async function listenForOrders(options: Listening): Promise<AsyncDisposable> {
  const { directory, service, report, ...trust } = options;
  const { socket: path } = pathsOf(directory);
  await rm(path, { force: true });
  const server = await RpcServer.listen({
    ...{ ...trust, report, address: { path } },
    services: [serve(service, controlTable)],
  });
  await chmod(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(path, { force: true });
    },
  };
}

/** Asks the cluster that runs in a folder. */
export async function askCluster<Answer>(
  directory: string,
  ask: (cluster: ControlService) => Promise<Answer>,
): Promise<Answer> {
  await knownPlan(nodeDisk, directory);
  const { secret, socket: path } = pathsOf(directory);
  await using rpc = new RpcClient({
    ...{ address: { path }, secret: await readSecret(secret) },
    ...{ clock: systemClock, random: systemRandom, deadlineMs: limits.clusterOrderMs },
  });
  try {
    return await awake(ask(connect(controlTable, rpc)));
  } catch (error) {
    if (!hasCode(error, "Unavailable")) throw error;
    throw new QuarryError(
      "Unavailable",
      `no cluster runs in ${directory}: start it with \`quarry cluster --data ${directory}\``,
      { cause: error },
    );
  }
}
