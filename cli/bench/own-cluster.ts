/** A whole cluster of real processes, with one gateway, that is measured and goes again. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { endsWithin, systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { makePools } from "../cluster/first-pools.ts";
import { pathsOf } from "../cluster/folder.ts";
import type { ClusterSize } from "../cluster/found.ts";
import { Observer } from "../cluster/observer.ts";
import { membersOf } from "../cluster/plan.ts";
import { serversOf } from "../cluster/role-words.ts";
import { Supervisor } from "../cluster/supervisor.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { type OwnServer, startFaces } from "./own-servers.ts";
import type { Roles } from "./process-cost.ts";
import type { Credentials } from "./request.ts";

const DISK_BYTES = 16 * 2 ** 30;

/** Small objects and large ones are kept three times, or on as many dataservers as there are. */
export async function startCluster(
  parent: string,
  size: Pick<ClusterSize, "nameservers" | "dataservers">,
  credentials: Credentials,
): Promise<OwnServer> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(parent, "quarry-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const parts = { clock: systemClock, random: systemRandom };
  const said: string[] = [];
  const cluster = stack.use(
    await Supervisor.open({
      ...{ ...parts, directory, environment: {} },
      size: { ...size, racks: 1, gateways: 0, port: 0, diskBytes: DISK_BYTES, largeScheme: null },
      tell: (event) => said.push(JSON.stringify(event)),
    }),
  );
  // Whatever ends the run, nothing of it stays behind.
  const atExit = () => {
    cluster.killAll();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  stack.defer(() => void process.removeListener("exit", atExit));
  const { secret: secretFile } = pathsOf(directory);
  const secret = await readSecret(secretFile);
  await using leader = new LeaderNames({ ...parts, secret, addresses: cluster.nameservers });
  await cluster.start((pools) => makePools(leader.names, pools));
  await untilUp(cluster, said);
  const joining = ["--nameservers", serversOf(cluster.plan), "--secret-file", secretFile];
  const gateway = stack.use(await startFaces(["gateway", ...joining], credentials));
  const observer = stack.use(new Observer({ ...parts, cluster, secret }));
  const owned = stack.move();
  return {
    ...{ url: gateway.url, fids: gateway.fids, peers: { cluster: directory } },
    roles: async () => ({ gateway: [gateway.pid], ...(await storing(observer)) }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

async function untilUp(cluster: Supervisor, said: readonly string[]): Promise<void> {
  const dataservers = membersOf(cluster.plan, "dataserver");
  const up = Promise.all(dataservers.map(({ name }) => cluster.member(name).ready));
  if (await endsWithin(systemClock, up, limits.benchReadyMs)) return;
  throw new QuarryError(
    "Unavailable",
    `the cluster did not get ready. It said:\n${said.slice(-20).join("\n")}`,
  );
}

async function storing(observer: Observer): Promise<Roles> {
  const { nameservers, dataservers } = await observer.look();
  const leads = (is: boolean) =>
    nameservers.filter(({ role }) => (role === "leader") === is).map(({ pid }) => pid);
  const followers = leads(false);
  return {
    leader: leads(true),
    ...(followers.length > 0 && { followers }),
    dataservers: dataservers.map(({ pid }) => pid),
  };
}
