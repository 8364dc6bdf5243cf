/** `quarry nameserver`: one of several nameservers that keep the metadata together. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { groupService } from "../../nameserver/group/group-service.ts";
import { handOver } from "../../nameserver/group/hand-over.ts";
import { type Nameserver, openNameserver } from "../../nameserver/nameserver.ts";
import { formatAddress } from "../../rpc/address.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { groupTable, livenessTable, nameTable, watchTable } from "../../rpc/tables.ts";
import { createLogger } from "../serve/face.ts";
import { askedToStop } from "../serve/stop-signals.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "../tls-files.ts";
import { readSecret } from "./secret-file.ts";
import { type NameserverFlags, type NameserverSettings, nameserverSettings } from "./settings.ts";

export function nameserverCommand(): Command {
  const command = new Command("nameserver")
    .description("run one of several nameservers that keep the metadata together")
    .requiredOption("--data <dir>", "folder of this nameserver alone")
    .requiredOption("--node <n>", "which of the peers this is; never another's, not even later")
    .requiredOption("--peers <list>", "all nameservers, as in 1=host:port,2=host:port,3=host:port")
    .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
    .option("--listen <host:port>", "where to listen, when that is not this peer's address")
    .option("--found", "this is a new group: the folder may be empty")
    .addHelpText(
      "after",
      "\nThree survive the loss of one, five of two. Dataservers store the objects (docs/cluster.md).",
    );
  return withTlsOptions(command).action((flags: NameserverFlags) =>
    run(nameserverSettings(flags), flags),
  );
}

async function run(settings: NameserverSettings, flags: TlsFlags): Promise<void> {
  const { directory, node, addresses, founds, listen } = settings;
  const secret = await readSecret(settings.secretFile);
  const logger = createLogger("info", `nameserver ${node}`);
  const report = (message: unknown) => logger.warn(message);
  using certificates = await TlsFiles.open(flags, report);
  const tls = certificates.tls && { tls: certificates.tls };
  const asked = askedToStop(() => process.exit(130));
  const seams = { clock: systemClock, random: systemRandom, report };
  await using nameserver = await openNameserver({
    ...seams,
    disk: nodeDisk,
    directory,
    durability: "commit",
    member: { node, addresses, secret, ...tls, founds },
  });
  await using server = await RpcServer.listen({
    ...seams,
    address: listen,
    secret,
    ...tls,
    services: [
      serve(nameserver, nameTable),
      serve(groupService(nameserver.group), groupTable),
      serve(nameserver.watches, watchTable),
      serve(nameserver.liveness, livenessTable),
    ],
  });
  // Before the server waits for what is not answered yet: those that watch only wait.
  using _ = nameserver.watches;
  console.log(`Nameserver ${node} of ${addresses.size} listens at ${formatAddress(server.address)}
  data    ${directory}
  group   ${[...addresses].map(([id, address]) => `${id}=${formatAddress(address)}`).join(",")}
  state   quarry admin nameserver status --servers ${formatAddress(server.address)} --secret-file ${settings.secretFile}
  stop    Ctrl-C; the others go on as long as more than half are there`);
  const failure = await Promise.race([asked, nameserver.group.failed]);
  if (failure !== undefined) throw failure;
  await leave(nameserver);
}

async function leave({ group }: Nameserver): Promise<void> {
  if (!group.isLeader) return;
  console.log("handing leadership over, then stopping …");
  const transfer = group.transfer.bind(group);
  await handOver(
    { clock: systemClock, status: () => group.status, transfer },
    limits.groupHandOverMs,
  );
}
