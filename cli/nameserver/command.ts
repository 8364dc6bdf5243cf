/** `quarry nameserver`: one of several nameservers that keep the metadata together. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { assert, type QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { defaultCopies } from "../../nameserver/copies/copies.ts";
import { askLeader } from "../../nameserver/group/ask-leader.ts";
import { Founding } from "../../nameserver/group/founding.ts";
import { groupService } from "../../nameserver/group/group-service.ts";
import { handOver } from "../../nameserver/group/hand-over.ts";
import { join } from "../../nameserver/group/join.ts";
import { tellProgress } from "../../nameserver/group/progress.ts";
import type { Replica } from "../../nameserver/group/replica.ts";
import type { Roster } from "../../nameserver/group/roster.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import { formatAddress } from "../../rpc/address.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import {
  foundingTable,
  groupTable,
  livenessTable,
  nameTable,
  watchTable,
} from "../../rpc/tables.ts";
import { exitCodes } from "../exit-code.ts";
import { isLevelHeld } from "../hold-level.ts";
import { createLogger } from "../serve/face.ts";
import { askedToEnd, tellReady } from "../starter.ts";
import { stayAlive } from "../stay-alive.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "../tls-files.ts";
import { found } from "./found.ts";
import { readSecret } from "./secret-file.ts";
import { type NameserverFlags, type NameserverSettings, nameserverSettings } from "./settings.ts";

export function nameserverCommand(): Command {
  const command = new Command("nameserver")
    .description("run one of several nameservers that keep the metadata together")
    .requiredOption("--data <dir>", "folder of this nameserver alone")
    .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
    .option("--listen <host:port>", "where to listen; default: its address in the group")
    .option("--address <host:port>", "where the others reach it; default: where it listens")
    .option("--node <n>", "founding: which of the peers this is")
    .option("--peers <list>", "founding: all nameservers, as in 1=host:port,2=host:port")
    .option("--found", "this is a new group: the folder may be empty")
    .option("--from-serve", "the folder was made by `quarry serve`: its store becomes a cluster")
    .option("--join <list>", "join the group of these nameservers, as in host:port,host:port")
    .option("--learner", "joining: follow along, without a vote")
    .option("--replace <n>", "joining: nameserver n goes when this one has come")
    .addHelpText("after", examples);
  return withTlsOptions(command).action((flags: NameserverFlags) =>
    run(nameserverSettings(flags), flags),
  );
}

const examples = `
A new group, on each of three machines (three survive the loss of one, five of two):
  quarry nameserver --data D --secret-file F --node 1 --peers 1=a:7001,2=b:7001,3=c:7001 --found
Ever after:
  quarry nameserver --data D --secret-file F
One more, or one in the place of nameserver 2 which is lost:
  quarry nameserver --data D --secret-file F --join a:7001,b:7001 --listen d:7001 [--replace 2]
Dataservers store the objects (docs/cluster.md). Exit code 7: this nameserver was removed from its group.`;

async function run(settings: NameserverSettings, flags: TlsFlags): Promise<void> {
  const { directory, address, node, addresses } = settings;
  const secret = await readSecret(settings.secretFile);
  const logger = createLogger("info", "nameserver");
  const report = (message: unknown) => logger.warn(message);
  using certificates = await TlsFiles.open(flags, report);
  const proof = { secret, ...(certificates.tls && { tls: certificates.tls }) };
  const asked = askedToEnd(() => process.exit(exitCodes.interrupted));
  const seams = { clock: systemClock, random: systemRandom };
  const opening = { ...seams, ...proof, disk: nodeDisk, directory };
  const say = console.log;
  if (settings.join !== undefined)
    await before(
      asked,
      join({ ...opening, ...settings.join, patienceMs: limits.groupJoinMs, say }),
    );
  if (settings.founds && node !== undefined && addresses !== undefined) {
    const listen = settings.listen ?? addresses.get(node);
    assert(listen !== undefined, "a founder is one of the peers");
    await before(asked, found({ ...opening, node, addresses, listen, report, say }));
  }
  await using nameserver = await openNameserver({
    ...{ ...opening, report, durability: "commit", member: { ...settings, ...proof } },
    ...{ copies: defaultCopies, holdLevel: isLevelHeld() },
  });
  const { group, roster, answers } = nameserver;
  assert(roster !== undefined && answers !== undefined, "one of several knows the others");
  const listen = settings.listen ?? roster.addresses.get(roster.node);
  assert(listen !== undefined, "a member knows its own address");
  await using server = await RpcServer.listen({
    ...{ ...seams, ...proof, report, address: listen },
    services: [
      serve(nameserver, nameTable),
      serve(groupService(group, roster, answers, systemClock), groupTable),
      serve(nameserver.watches, watchTable),
      serve(nameserver.liveness, livenessTable),
      serve(await Founding.of(nodeDisk, directory), foundingTable),
    ],
  });
  // Before the server waits for what is not answered yet: those that watch only wait.
  using _ = nameserver.watches;
  console.log(`Nameserver ${roster.node} of ${roster.addresses.size} listens at ${formatAddress(server.address)}
  data    ${directory}
  group   ${[...roster.addresses].map(([id, at]) => `${id}=${formatAddress(at)}`).join(",")}
  state   quarry admin nameserver status --servers ${formatAddress(server.address)} --secret-file ${settings.secretFile}
  stop    Ctrl-C; the others go on as long as more than half are there`);
  tellReady();
  const ending = new AbortController();
  const tell = (line: string) => say(`nameserver ${roster.node}: ${line}`);
  const telling = tellProgress(group, systemClock, tell, ending.signal);
  if (address !== undefined && formatAddress(address) !== roster.addressOf(roster.node))
    void move(roster, { ...seams, ...proof }, formatAddress(address), tell);
  const failure = await Promise.race([asked, group.failed]);
  ending.abort();
  await telling;
  if (failure !== undefined) throw failure;
  await leave(group);
}

/** What can be asked for again, and so may end at any moment, before this is a nameserver at all. */
async function before(asked: Promise<unknown>, preparing: Promise<void>): Promise<void> {
  using _ = stayAlive();
  const isEnd = await Promise.race([preparing.then(() => false), asked.then(() => true)]);
  if (isEnd) process.exit(exitCodes.interrupted);
}

/** Tells the group where this member is to be reached from now on. */
async function move(
  { node, addresses }: Roster,
  seams: Pick<Parameters<typeof askLeader>[0], "clock" | "random" | "secret" | "tls">,
  address: string,
  say: (line: string) => void,
): Promise<void> {
  const ask = { ...seams, servers: [...addresses.values()], patienceMs: limits.groupJoinMs };
  await askLeader(ask, (leader) => leader.changeMember({ node, address })).then(
    () => say(`the others know it is at ${address} now`),
    (error: QuarryError) => say(`the others do not know its new address: ${error.message}`),
  );
}

async function leave(group: Replica): Promise<void> {
  if (!group.isLeader) return;
  console.log("handing leadership over, then stopping …");
  const transfer = group.transfer.bind(group);
  await handOver(
    { clock: systemClock, status: () => group.status, transfer },
    limits.groupHandOverMs,
  );
}
