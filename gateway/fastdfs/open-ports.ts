/** The tracker's port and the storages', opened together, since each must know the others' numbers. */
import { isIP } from "node:net";
import type { Logger } from "pino";
import type { Clock } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import type { Connection } from "./connection.ts";
import { Files } from "./files.ts";
import { FastdfsPort } from "./server.ts";
import { reachedAt } from "./source.ts";
import { StorageHandler } from "./storage.ts";
import { type Group, TrackerHandler } from "./tracker.ts";

export interface Advertised {
  readonly address: string;
  /** Of the storage of the first group; each other one has the next. */
  readonly port?: number;
}

export interface FastdfsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly host: string;
  readonly trackerPort: number;
  /** Of each group. 0: one that is free, as for the tracker. */
  readonly storagePorts: readonly number[];
  readonly groups: readonly string[];
  /** Where clients reach the storages. Default: where they reached the tracker, at the ports that are open. */
  readonly advertise?: Advertised;
}

export interface FastdfsPorts {
  readonly trackerPort: number;
  readonly storages: readonly Group[];
  close(): Promise<void>;
}

export async function openFastdfsPorts(options: FastdfsOptions): Promise<FastdfsPorts> {
  const { store, clock, logger, host, groups, storagePorts, advertise } = options;
  const files = new Files(options);
  const addressFor = ({ socket }: Connection) =>
    advertise?.address ?? reachedAt(socket.localAddress);
  const opened: FastdfsPort[] = [];
  const listen = async (handler: StorageHandler | TrackerHandler, port: number) => {
    const server = new FastdfsPort(handler, { host, port, clock, logger });
    const listening = await server.listen();
    opened.push(server);
    return listening;
  };
  const close = async () => {
    await Promise.all(opened.map((port) => port.close()));
  };
  try {
    const storages: Group[] = [];
    for (const [i, name] of groups.entries()) {
      const handler = new StorageHandler({ files, group: name, addressFor });
      storages.push({ name, port: await listen(handler, storagePorts[i] ?? 0) });
    }
    const monitored = { names: store.names, clock, startedMs: clock.nowMs() };
    const told = storages.map(({ name, port }, i) => ({
      name,
      port: advertise?.port === undefined ? port : advertise.port + i,
    }));
    const tracker = new TrackerHandler({ groups: told, addressFor, monitored });
    return { trackerPort: await listen(tracker, options.trackerPort), storages, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const groupName = new RegExp(`^[a-z0-9]{3,${limits.fastdfsGroupBytes}}$`);

/** @throws QuarryError `InvalidArgument` for what is no name of a group, or no address. */
export function checkGroups(groups: readonly string[]): readonly string[] {
  const wrong = groups.find((name) => !groupName.test(name));
  if (wrong !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `a group's name has 3 to ${limits.fastdfsGroupBytes} small letters and digits, not ${wrong}`,
    );
  if (groups.length === 0 || groups.length > limits.fastdfsGroups)
    throw new QuarryError("InvalidArgument", `name 1 to ${limits.fastdfsGroups} groups`);
  if (new Set(groups).size < groups.length)
    throw new QuarryError("InvalidArgument", "name each group once");
  return groups;
}

const withPort = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/;

/** `10.0.0.1`, `10.0.0.1:23000`, `fd00::1`, `[fd00::1]:23000`. */
export function advertisedOf(text: string): Advertised {
  const [, bracketed, plain, port] = withPort.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  if (isIP(address) === 0 || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535)
    throw new QuarryError(
      "InvalidArgument",
      `FastDFS clients connect to IP addresses: advertise one, with a port or without, not ${text}`,
    );
  return { address, ...(port !== undefined && { port: Number(port) }) };
}

/** Makes the buckets of groups that are not there yet. */
export async function establishGroups(
  { names }: Store,
  groups: readonly string[],
  owner: string,
): Promise<void> {
  for (const bucket of groups)
    try {
      await names.execute({ type: "createBucket", bucket, owner });
    } catch (error) {
      if (!hasCode(error, "BucketExists")) throw error;
    }
}
