/** The faces of FastDFS: its ids over HTTP, and the ports of a tracker and of storages. */
import type { Command } from "commander";
import type { Logger } from "pino";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { ROOT_USER } from "../../client/root-user.ts";
import type { Store } from "../../client/store.ts";
import { createFastdfsHttp } from "../../gateway/fastdfs/http.ts";
import {
  type Advertised,
  advertisedOf,
  checkGroups,
  establishGroups,
  openFastdfsPorts,
} from "../../gateway/fastdfs/open-ports.ts";
import { parseDuration } from "../objects/printable.ts";
import { facePort, onPort, tokenRule } from "./face-flags.ts";
import type { OpenedFace } from "./more-faces.ts";

/** FastDFS' own default. */
const TOKENS_KEPT_S = 900;

export interface FastdfsFace {
  readonly groups: readonly string[];
  readonly http?: number;
  readonly ports?: {
    readonly tracker: number;
    /** Of each group. */
    readonly storages: readonly number[];
  };
  readonly advertise?: Advertised;
  /** A file with the secret of tokens. */
  readonly tokens?: string;
  readonly tokensKeptMs: number;
}

export interface FastdfsFlags {
  readonly fastdfs?: number;
  readonly fastdfsTracker?: number;
  readonly fastdfsStorage?: number;
  readonly fastdfsGroups?: string[];
  readonly fastdfsAddress?: string;
  readonly fastdfsTokens?: string;
  /** Seconds. */
  readonly fastdfsTokensFor?: number;
}

export function withFastdfsOptions(command: Command): Command {
  return command
    .option("--fastdfs <port>", "also serve FastDFS ids over HTTP (docs/faces.md)", facePort)
    .option("--fastdfs-tracker <port>", "also speak FastDFS' protocol, as a tracker …", facePort)
    .option("--fastdfs-storage <port>", "… and as the storage of the first group", facePort)
    .option("--fastdfs-groups <name...>", "groups, which are buckets; made when missing (group1)")
    .option("--fastdfs-address <ip[:port]>", "where clients reach the storages, when elsewhere")
    .option("--fastdfs-tokens <file>", "HTTP only with tokens made with the secret in this file")
    .option("--fastdfs-tokens-for <time>", "… that count for so long (15m)", parseDuration);
}

export function fastdfsFrom(flags: FastdfsFlags): FastdfsFace | undefined {
  const { fastdfs, fastdfsTracker: tracker, fastdfsStorage: storage } = flags;
  const { fastdfsTokens: tokens, fastdfsTokensFor: tokensFor } = flags;
  const isUsed = fastdfs !== undefined || tracker !== undefined || storage !== undefined;
  if ((tracker === undefined) !== (storage === undefined))
    throw new QuarryError(
      "InvalidArgument",
      "--fastdfs-tracker and --fastdfs-storage go together: a tracker sends its clients to storages",
    );
  if (fastdfs === undefined && tokens !== undefined)
    throw new QuarryError("InvalidArgument", "--fastdfs-tokens goes with --fastdfs");
  if (tokens === undefined && tokensFor !== undefined)
    throw new QuarryError("InvalidArgument", "--fastdfs-tokens-for goes with --fastdfs-tokens");
  if (!isUsed && (flags.fastdfsGroups ?? flags.fastdfsAddress) !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      "--fastdfs-groups and --fastdfs-address go with --fastdfs, or --fastdfs-tracker and --fastdfs-storage",
    );
  if (!isUsed) return undefined;
  const groups = checkGroups(flags.fastdfsGroups ?? ["group1"]);
  const storages = groups.map((_, i) => (storage ?? 0) && (storage ?? 0) + i);
  const address = flags.fastdfsAddress;
  return {
    groups,
    ...(fastdfs !== undefined && { http: fastdfs }),
    ...(tracker !== undefined && { ports: { tracker, storages } }),
    ...(address !== undefined && { advertise: advertisedOf(address) }),
    ...(tokens !== undefined && { tokens }),
    tokensKeptMs: (tokensFor ?? TOKENS_KEPT_S) * 1000,
  };
}

/** Port 0 is a free one. */
export async function withFastdfsPorts(
  face: FastdfsFace,
  free: () => Promise<number>,
): Promise<FastdfsFace> {
  const { http, ports } = face;
  const storages: number[] = [];
  for (const port of ports?.storages ?? []) storages.push(port || (await free()));
  return {
    ...face,
    ...(http !== undefined && { http: http || (await free()) }),
    ...(ports !== undefined && { ports: { tracker: ports.tracker || (await free()), storages } }),
  };
}

/** Those that were opened stand in `opened`, also when another one failed. */
export async function openFastdfs(
  store: Store,
  face: FastdfsFace,
  { host, logger }: { readonly host: string; readonly logger: Logger },
  urlOf: (host: string, port: number) => string,
  opened: OpenedFace[],
): Promise<void> {
  const { groups, http, ports, advertise, tokens, tokensKeptMs } = face;
  const shared = {
    ...{ store, clock: systemClock, random: systemRandom, logger, groups },
    ...(advertise !== undefined && { advertise }),
  };
  await establishGroups(store, groups, ROOT_USER);
  if (http !== undefined) {
    const rule = tokens === undefined ? undefined : await tokenRule(tokens, tokensKeptMs);
    const gateway = createFastdfsHttp({
      ...{ store, clock: systemClock, random: systemRandom, logger, groups },
      ...(advertise !== undefined && { advertise: advertise.address }),
      ...(rule !== undefined && { tokens: rule }),
    });
    const { port } = await onPort(() => "--fastdfs", gateway.listen({ host, port: http }));
    opened.push({ name: "fastdfs", url: urlOf(host, port), close: () => gateway.close() });
  }
  if (ports === undefined) return;
  const { tracker, storages } = ports;
  const listening = await onPort(
    (port) => (port === tracker ? "--fastdfs-tracker" : "--fastdfs-storage"),
    openFastdfsPorts({
      ...shared,
      ...{ host, trackerPort: tracker, storagePorts: storages },
    }),
  );
  const close = () => listening.close();
  const at = (port: number) => urlOf(host, port).replace("http://", "");
  const names = listening.storages.map(({ name, port }) => `${name} ${at(port)}`).join(", ");
  opened.push({ name: "tracker", url: `${at(listening.trackerPort)} (${names})`, close });
}
