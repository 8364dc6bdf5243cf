/** `quarry admin watch`: prints changes of the metadata as they are made. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { type WatchEvent, watch } from "../../client/watch.ts";
import { WatchLines } from "../../client/watch-lines.ts";
import { parseAddress } from "../../rpc/address.ts";
import type { WatchedChange, WatchTopic } from "../../rpc/watch-service.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { printable } from "../objects/printable.ts";
import { stayAlive } from "../stay-alive.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "../tls-files.ts";

interface WatchFlags extends TlsFlags {
  readonly servers: string;
  readonly secretFile: string;
  readonly bucket?: string;
  readonly prefix?: string;
  readonly settings?: boolean;
  readonly map?: boolean;
  readonly from?: string;
  readonly json?: boolean;
}

export function watchCommand(): Command {
  const command = new Command("watch")
    .description("print changes of bucket settings, of keys or of the cluster map as they are made")
    .requiredOption("--servers <list>", "nameservers to ask, as in host:port,host:port")
    .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
    .option("--bucket <name>", "keys of this bucket (default: settings of all buckets)")
    .option("--prefix <text>", "only keys that begin with this")
    .option("--settings", "with --bucket: its settings, not its keys")
    .option("--map", "epochs of the cluster map")
    .option(
      "--from <revision>",
      "only what changed after this revision (default: what is there first)",
    )
    .option("--json", "one JSON object a line");
  return withTlsOptions(command).action((flags: WatchFlags) => run(flags));
}

async function run(flags: WatchFlags): Promise<void> {
  const topic = topicOf(flags);
  const from = revisionFrom(flags.from);
  const secret = await readSecret(flags.secretFile);
  using certificates = await TlsFiles.open(flags, (message) => console.error(message));
  using lines = new WatchLines({
    ...{ secret, clock: systemClock, random: systemRandom },
    ...(certificates.tls && { tls: certificates.tls }),
    addresses: flags.servers.split(",").map(parseAddress),
  });
  const { members } = lines;
  using _ = stayAlive();
  const events = watch({ members, clock: systemClock, topic, ...(from !== undefined && { from }) });
  let isMissed = from !== undefined;
  for await (const event of events) {
    const text = flags.json === true ? JSON.stringify(event) : lineOf(event, isMissed);
    if (text !== undefined) console.log(text);
    if (event.type === "synced") isMissed = true;
  }
}

function topicOf({ bucket, prefix, settings, map }: WatchFlags): WatchTopic {
  const isWrong =
    (map === true && (bucket !== undefined || settings === true)) ||
    (prefix !== undefined && (bucket === undefined || settings === true));
  if (isWrong) throw wrong("--map stands alone, and --prefix is for the keys of a --bucket");
  if (map === true) return { kind: "map" };
  if (bucket === undefined) return { kind: "buckets" };
  if (settings === true) return { kind: "buckets", bucket };
  return { kind: "keys", bucket, prefix: prefix ?? "" };
}

function revisionFrom(text: string | undefined): LogIndex | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw wrong(`--from is a revision, a whole number, not ${text}`);
  return Number(text) as LogIndex;
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);

/**
 * Nothing is printed for what says only how far all is.
 * @param isMissed - what is there was not asked for.
 */
function lineOf(event: WatchEvent, isMissed: boolean): string | undefined {
  switch (event.type) {
    case "reset":
      return isMissed
        ? "--  the changes since are not kept any more; what is there:"
        : "--  what is there:";
    case "synced":
      return `--  as of revision ${event.revision}; changes from here on:`;
    case "progress":
      return undefined;
    case "entry":
    case "change":
      return `${event.change.revision}  ${printable(wordsOf(event.change))}`;
  }
}

function wordsOf(change: WatchedChange): string {
  switch (change.type) {
    case "map":
      return `map  epoch ${change.epoch}`;
    case "bucketMade":
      return `bucket  ${change.bucket}  ${JSON.stringify(change.fields)}`;
    case "bucketChanged":
      return `bucket changed  ${change.bucket}  ${JSON.stringify(change.fields)}`;
    case "bucketRemoved":
      return `bucket removed  ${change.bucket}`;
    case "put":
      return `put  ${change.key}  ${change.lengthBytes} bytes  etag ${change.etag}  version ${change.version}`;
    case "marker":
      return `marker  ${change.key}  version ${change.version}`;
    case "delete":
      return `delete  ${change.key}`;
  }
}
