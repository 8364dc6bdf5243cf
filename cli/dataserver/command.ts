/** `quarry dataserver`: stores blocks for a cluster. */
import { join } from "node:path";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { assert } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { Attendance } from "../../dataserver/attendance.ts";
import { type Dataserver, openDataserver } from "../../dataserver/dataserver.ts";
import { startScrubbing } from "../../dataserver/scrubbing.ts";
import { formatAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { blockTable, livenessTable } from "../../rpc/tables.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { createLogger } from "../serve/face.ts";
import { askedToStop } from "../serve/stop-signals.ts";
import { checkFolder, serverIdOf } from "./own-folder.ts";
import { type DataserverFlags, type DataserverSettings, dataserverSettings } from "./settings.ts";

/** Of the software that registers. */
const VERSION = "0.1.0";

const seams = { clock: systemClock, random: systemRandom };

export function dataserverCommand(): Command {
  return new Command("dataserver")
    .description("store blocks for a cluster (docs/cluster.md)")
    .requiredOption("--data <dir...>", "a folder for each disk, of this dataserver alone")
    .requiredOption("--listen <host:port>", "where to listen")
    .requiredOption("--nameservers <list>", "the nameservers, as in host:port,host:port,host:port")
    .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
    .option("--address <host:port>", "where the others reach it, when that is not --listen")
    .option("--location <place>", "region/zone/rack/host, or its last parts (this host's name)")
    .option("--class <name>", "what kind of disks these are, such as ssd")
    .option("--scrub <MiB/s>", "pace of the daily check of all stored bytes; 0 for none", "8")
    .action((flags: DataserverFlags) => run(dataserverSettings(flags)));
}

async function run(settings: DataserverSettings): Promise<void> {
  const { directories } = settings;
  const [first = ""] = directories;
  const secret = await readSecret(settings.secretFile);
  const logger = createLogger("info", "dataserver");
  const report = (message: unknown) => logger.warn(message);
  const asked = askedToStop(() => process.exit(130));
  for (const directory of directories) await checkFolder(nodeDisk, directory);
  await using dataserver = await openDataserver({
    ...{ ...seams, disk: nodeDisk },
    directories: directories.map((directory) => join(directory, "device")),
    report: ({ kind, path, message }) => report(`${kind}: ${path}: ${message}`),
  });
  const server = await serverIdOf(nodeDisk, first, seams);
  await using _scrubbing = startScrubbing(dataserver, {
    ...{ clock: systemClock, report },
    bytesPerSecond: settings.scrubBytesPerSecond,
    restMs: limits.scrubRestMs,
  });
  await using rpc = await RpcServer.listen({
    ...{ ...seams, secret, report },
    address: settings.listen,
    services: [serve(dataserver, blockTable)],
  });
  const address = settings.address ?? formatAddress(rpc.address);
  console.log(`Dataserver ${server} listens at ${formatAddress(rpc.address)}
  data    ${directories.join(", ")}
  stop    Ctrl-C; what it stores cannot be read until it is back`);
  await using attended = attend({ settings, secret, dataserver, server, address, report });
  const { attendance } = attended;
  void attendance.registered.then(() => console.log("the cluster knows this dataserver"));
  const failure = await Promise.race([asked, attendance.failed]);
  if (failure !== undefined) throw failure;
}

interface Attending {
  readonly settings: DataserverSettings;
  readonly secret: Uint8Array;
  readonly dataserver: Dataserver;
  readonly server: Awaited<ReturnType<typeof serverIdOf>>;
  readonly address: string;
  readonly report: (message: string) => void;
}

interface Attended extends AsyncDisposable {
  readonly attendance: Attendance;
}

/** Registers with whoever leads, and tells all nameservers of itself from then on. */
function attend(of: Attending): Attended {
  const { settings, secret, dataserver, server, address, report } = of;
  const leader = new LeaderNames({ ...seams, secret, addresses: settings.nameservers });
  const deadlineMs = limits.heartbeatAnswerMs;
  const lines = settings.nameservers.map(
    (one) => new RpcClient({ ...seams, secret, address: one, deadlineMs }),
  );
  const names = settings.nameservers.map(formatAddress);
  const attendance = new Attendance({
    ...{ clock: systemClock, server, address, report },
    devices: () => dataserver.devices(),
    register: async (devices) => {
      const result = await leader.names.execute({
        ...{ type: "registerDataserver", server, address, version: VERSION },
        location: settings.location,
        devices: devices.map(({ device, totalBytes }) => ({
          ...{ device, capacityBytes: totalBytes },
          ...(settings.class !== undefined && { class: settings.class }),
        })),
      });
      assert(result.type === "epoch", "a registration is answered with an epoch");
      return result.epoch;
    },
    nameservers: new Map(lines.map((line, i) => [names[i] ?? "", connect(livenessTable, line)])),
  });
  return {
    attendance,
    async [Symbol.asyncDispose]() {
      attendance.stop();
      await leader[Symbol.asyncDispose]();
      for (const line of lines) line.close();
      await attendance[Symbol.asyncDispose]();
    },
  };
}
