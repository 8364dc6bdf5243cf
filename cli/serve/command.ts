/** `quarry serve`: a whole store on this machine. */
import { hostname } from "node:os";
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import type { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import { openServers, type Servers } from "../../client/open-servers.ts";
import { hostLocation } from "../dataserver/location.ts";
import { isLevelHeld } from "../hold-level.ts";
import { parseDuration } from "../objects/printable.ts";
import { establishUser, rootUser } from "./establish-users.ts";
import { createLogger, type Face, openFace, urlOf } from "./face.ts";
import { freePort } from "./free-port.ts";
import { Gateways } from "./gateways.ts";
import { moreLines, withFaceOptions, withPorts } from "./more-faces.ts";
import { credentialsPath, rootCredentials, sourcingLine } from "./root-credentials.ts";
import { type ServeFlags, type ServeSettings, settingsFrom } from "./settings.ts";
import { askedToStop } from "./stop-signals.ts";
import { openStorageSocket, type StorageSocket } from "./storage-socket.ts";
import { readUsersFile } from "./users-file.ts";

const EXAMPLES = `
Examples:
  quarry serve                                    # ./data, http://127.0.0.1:9000
  quarry serve --data /mnt/a /mnt/b --port 9100   # two disks
  quarry serve --host 0.0.0.0 --domain s3.example.com   # for others, also bucket.s3.example.com
  quarry serve --users users.json
  quarry serve --fids 7500 --fastdfs 8888         # TFS file names and FastDFS ids, too`;

export function serveCommand(): Command {
  const command = new Command("serve")
    .description("run a store on this machine")
    .option("--data <dir...>", "data folders; the first also holds the metadata (./data)")
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", "9000")
    .option("--durability <mode>", "answer writes on: commit, interval, none", "commit")
    .option("--hold <seconds>", "how long deleted objects can be brought back", "3600")
    .option("--scrub <MiB/s>", "pace of the daily check of all stored bytes; 0 for none", "8")
    .option("--scrub-every <time>", "… and how long a block is not read again (24h)", parseDuration)
    .option("--first-scrub <MiB/s>", "… of what is new or could have been hurt since", "32")
    .option(
      "--metadata-log <seconds>",
      "write changed metadata into blocks this often; 0: never",
      "5",
    )
    .option("--metadata-snapshot <minutes>", "write all metadata into blocks this often", "1440")
    .option("--region <name>", "region that clients name", "us-east-1")
    .option("--domain <name>", "also serve buckets as bucket.<name>")
    .option("--gateways <n>", "gateway processes; by default one a core but one, on two cores none")
    .option("--single-process", "everything in one process")
    .option("--users <file>", "users that exist from the start on (JSON; docs/users.md)")
    .option("--log-level <level>", "debug, info, warn, error, silent", "info");
  return withFaceOptions(command)
    .addHelpText(
      "after",
      EXAMPLES +
        "\n\nQUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY set the root user's keys; otherwise the first start makes them.",
    )
    .action((flags: ServeFlags) => serve(settingsFrom(flags)));
}

/** The running front: how to reach it, how to end it, and whether it ended by itself. */
interface Front extends Pick<Face, "url" | "more"> {
  readonly failed: Promise<QuarryError>;
  stop(): Promise<void>;
}

async function serve(settings: ServeSettings): Promise<void> {
  const logger = createLogger(settings.logLevel, "storage");
  const users = settings.usersFile === undefined ? [] : await readUsersFile(settings.usersFile);
  const asked = askedToStop(() => process.exit(130));
  await using servers = await openServers({
    directories: settings.directories,
    durability: settings.durability,
    holdMs: settings.holdMs,
    scrubBytesPerSecond: settings.scrubBytesPerSecond,
    scrubRestMs: settings.scrubRestMs,
    firstScrubBytesPerSecond: settings.firstScrubBytesPerSecond,
    copies: settings.copies,
    location: hostLocation(hostname()),
    holdLevel: isLevelHeld(),
    report: (message) => logger.warn(message),
  });
  const [first = ""] = settings.directories;
  const wished = urlOf(settings.host, settings.port);
  const path = credentialsPath(first);
  const keys = await rootCredentials(nodeDisk, systemRandom, path, wished, process.env);
  await establishUser(servers.nameserver, rootUser, [keys]);
  for (const { user, key } of users) await establishUser(servers.nameserver, user, [key]);
  await using socket = await openStorageSocket(servers, first, logger);
  const front =
    settings.gateways === 0
      ? await frontInProcess(servers, settings)
      : await frontOfProcesses(socket, settings);
  if (front.url !== wished) await rootCredentials(nodeDisk, systemRandom, path, front.url, {});
  greet(front, settings);
  const { group } = servers.nameserver;
  const failure = await Promise.race([asked, front.failed, group.failed]);
  if (failure === undefined) console.log("answering what is under way, then stopping …");
  await front.stop();
  if (failure !== undefined) throw failure;
}

async function frontInProcess(servers: Servers, settings: ServeSettings): Promise<Front> {
  const store = createClient({
    names: servers.nameserver,
    serviceOf: () => servers.dataserver,
    clock: systemClock,
    random: systemRandom,
  });
  const face = await openFace(store, settings, createLogger(settings.logLevel, "gateway"));
  const { url, more } = face;
  return { url, more, failed: new Promise(() => undefined), stop: () => face.close() };
}

async function frontOfProcesses(socket: StorageSocket, settings: ServeSettings): Promise<Front> {
  const logger = createLogger(settings.logLevel, "storage");
  // One port for all, known before the first listens: those that come later must find the same.
  const port = settings.port === 0 ? await freePort(settings.host) : settings.port;
  const faces = await withPorts(settings.faces ?? {}, () => freePort(settings.host));
  const start = {
    kind: "start",
    settings: { ...settings, port, faces },
    socketPath: socket.path,
    secret: socket.secret,
  } as const;
  const gateways = new Gateways(start, systemClock, logger);
  const stop = () => gateways.stop();
  try {
    const opened = await gateways.open(settings.gateways);
    return { ...opened, failed: gateways.failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function greet({ url, more }: Front, settings: ServeSettings): void {
  const first = settings.directories[0] ?? "";
  console.log(`Quarry serves S3 at ${url}${moreLines(more)}
  data         ${settings.directories.join(", ")} (durability: ${settings.durability})
  credentials  ${credentialsPath(first)} (only you can read it)
  try it       ${sourcingLine(credentialsPath(first))}; aws s3 mb s3://first; aws s3 ls
  stop         Ctrl-C`);
}
