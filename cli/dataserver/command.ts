/** `quarry dataserver`: stores blocks for a cluster. */
import { resolve } from "node:path";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { systemRandom } from "../../base/random.ts";
import { openDataserver } from "../../dataserver/dataserver.ts";
import { startScrubbing } from "../../dataserver/scrubbing.ts";
import { formatAddress } from "../../rpc/address.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { blockTable } from "../../rpc/tables.ts";
import { parseDuration, parseSize } from "../objects/printable.ts";
import { openPeers, withPeerOptions } from "../peers.ts";
import { createLogger } from "../serve/face.ts";
import { askedToEnd, tellReady } from "../starter.ts";
import { attend } from "./attend.ts";
import { placeText } from "./location.ts";
import { checkFolder, serverIdOf, takeOverStore } from "./own-folder.ts";
import { partOfDisk } from "./part-of-disk.ts";
import { PeerLines } from "./peer-lines.ts";
import { type DataserverFlags, type DataserverSettings, dataserverSettings } from "./settings.ts";

export function dataserverCommand(): Command {
  const command = new Command("dataserver")
    .description("store blocks for a cluster (docs/cluster.md)")
    .requiredOption("--data <dir...>", "a folder for each disk, of this dataserver alone")
    .requiredOption("--listen <host:port>", "where to listen");
  return withPeerOptions(command)
    .option("--address <host:port>", "where the others reach it, when that is not --listen")
    .option("--location <place>", "region/zone/rack/host, or its last parts (this host's name)")
    .option("--class <name>", "what kind of disks these are, such as ssd")
    .option("--capacity <size>", "use no more of each disk than this, such as 100GiB", parseSize)
    .option("--from-serve", "the folders were made by `quarry serve`: its store becomes a cluster")
    .option("--scrub <MiB/s>", "pace of the daily check of all stored bytes; 0 for none", "8")
    .option("--scrub-every <time>", "… and how long a block is not read again (24h)", parseDuration)
    .option("--first-scrub <MiB/s>", "… of what is new or could have been hurt since", "32")
    .action((flags: DataserverFlags) => run(dataserverSettings(flags), flags));
}

async function run(settings: DataserverSettings, flags: DataserverFlags): Promise<void> {
  const { directories, location } = settings;
  const [first = ""] = directories;
  const logger = createLogger("info", "dataserver");
  const report = (message: unknown) => logger.warn(message);
  using peers = await openPeers(flags, report);
  const asked = askedToEnd(() => process.exit(130));
  const { capacityBytes } = settings;
  const disk = capacityBytes === undefined ? nodeDisk : partOfDisk(nodeDisk, capacityBytes);
  const seams = { disk, clock: systemClock, random: systemRandom };
  if (settings.fromServe) await takeOverStore(nodeDisk, first, seams);
  for (const directory of directories) await checkFolder(nodeDisk, directory);
  using others = new PeerLines(peers.trust);
  await nodeDisk.makeDirectory(first);
  const server = await serverIdOf(nodeDisk, first, seams);
  await using dataserver = await openDataserver({
    ...seams,
    opener: `${server} ${placeText(location)}`,
    peerOf: (address) => others.to(address),
    directories: directories.map((directory) => resolve(directory, "device")),
    report: ({ kind, path, message }) => report(`${kind}: ${path}: ${message}`),
  });
  await using _scrubbing = startScrubbing(dataserver, {
    ...{ clock: systemClock, report },
    bytesPerSecond: settings.scrubBytesPerSecond,
    firstBytesPerSecond: settings.firstScrubBytesPerSecond,
    restMs: settings.scrubRestMs,
  });
  await using rpc = await RpcServer.listen({
    ...{ ...peers.trust, report },
    address: settings.listen,
    services: [serve(dataserver, blockTable)],
  });
  const listens = formatAddress(rpc.address);
  console.log(`Dataserver ${server} listens at ${listens}
  data    ${directories.join(", ")}
  place   ${placeText(location)}
  stop    Ctrl-C; what it stores cannot be read until it is back`);
  const address = settings.address ?? listens;
  await using attended = attend({ settings, peers, dataserver, server, address, report });
  const { attendance } = attended;
  void attendance.registered.then(() => {
    console.log("the cluster knows this dataserver");
    tellReady();
  });
  const failure = await Promise.race([asked, attendance.failed]);
  if (failure !== undefined) throw failure;
}
