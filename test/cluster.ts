/**
 * A whole cluster of real processes: a group of nameservers, dataservers and gateways. Each has a name
 * (`nameserver 1`, `dataserver 2`, `gateway 1`), under which it is started, stopped and killed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { RoleProcess } from "../cli/cluster/role-process.ts";
import { type GroupPlaces, NameserverGroup } from "./nameserver-group.ts";
import { freePort, rootKeys } from "./server-process.ts";

const LOOK_MS = 20;
const LONG_START_MS = 60_000;

export interface ClusterSize {
  readonly nameservers?: number;
  readonly dataservers?: number;
  readonly gateways?: number;
  /** Of the nameservers; its `flags` are for all processes. */
  readonly places?: GroupPlaces;
  /** Where the others stand; default: at 127.0.0.1. */
  readonly at?: (kind: "dataserver" | "gateway", n: number) => RolePlace;
  /** More flags for every dataserver. */
  readonly dataserverFlags?: readonly string[];
  /** More flags for gateway `n`. */
  readonly gatewayFlags?: (n: number) => readonly string[];
}

export interface RolePlace {
  readonly host: string;
  /** A command that runs it there, such as one that enters a namespace. */
  readonly within: readonly string[];
}

const HERE: RolePlace = { host: "127.0.0.1", within: [] };

/** A dataserver or a gateway; it keeps port and folder when it is started again. */
interface Role {
  readonly flags: readonly string[];
  readonly place: RolePlace;
  readonly port: number;
  running?: RoleProcess | undefined;
}

export class Cluster implements AsyncDisposable {
  readonly group: NameserverGroup;
  readonly #directory: string;
  readonly #dataservers: Role[] = [];
  readonly #gateways: Role[] = [];
  readonly #clients: S3Client[] = [];
  /** What dataservers and gateways printed. */
  output = "";

  readonly #flags: readonly string[];

  readonly #size: ClusterSize;

  private constructor(group: NameserverGroup, directory: string, size: ClusterSize) {
    this.group = group;
    this.#size = size;
    this.#flags = size.places?.flags ?? [];
    this.#directory = directory;
  }

  /** Resolves when all dataservers are up and all gateways answer. */
  static async found(size: ClusterSize = {}): Promise<Cluster> {
    const { places = {} } = size;
    const group = await NameserverGroup.found(size.nameservers ?? 3, places);
    const directory = await mkdtemp(join(tmpdir(), "quarry-cluster-"));
    const cluster = new Cluster(group, directory, size);
    try {
      for (let n = 1; n <= (size.dataservers ?? 2); n++) await cluster.addDataserver();
      for (let n = 1; n <= (size.gateways ?? 2); n++) await cluster.addGateway();
      await cluster.untilUp();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw new Error(`the cluster did not start:\n${group.output}\n${cluster.output}`, {
        cause: error,
      });
    }
  }

  get dataservers(): readonly number[] {
    return this.#dataservers.map((_, at) => at + 1);
  }

  get gateways(): readonly number[] {
    return this.#gateways.map((_, at) => at + 1);
  }

  /** What every process of the cluster is told. */
  get joining(): string[] {
    const { servers, secretFile } = this.group;
    return ["--nameservers", servers, "--secret-file", secretFile, ...this.#flags];
  }

  /** Where dataserver `n` keeps what it stores. */
  folder(n: number): string {
    return join(this.#directory, `dataserver-${n}`);
  }

  /** @param more folders of further devices. */
  async addDataserver(...more: readonly string[]): Promise<number> {
    const n = this.#dataservers.length + 1;
    const port = await freePort();
    const place = this.#size.at?.("dataserver", n) ?? HERE;
    const location = ["--location", `rack-${((n - 1) % 2) + 1}/host-${n}`];
    const listen = ["--data", this.folder(n), ...more, "--listen", `${place.host}:${port}`];
    const rest = [...location, ...(this.#size.dataserverFlags ?? []), ...this.joining];
    this.#dataservers.push({ port, place, flags: ["dataserver", ...listen, ...rest] });
    this.start("dataserver", n);
    return n;
  }

  async addGateway(): Promise<number> {
    const port = await freePort();
    const n = this.#gateways.length + 1;
    const place = this.#size.at?.("gateway", n) ?? HERE;
    const listen = ["--host", place.host, "--port", String(port)];
    const more = this.#size.gatewayFlags?.(n) ?? [];
    this.#gateways.push({ port, place, flags: ["gateway", ...listen, ...more, ...this.joining] });
    this.#clients.push(s3Of(this.endpoint(n)));
    this.start("gateway", n);
    return n;
  }

  start(kind: "dataserver" | "gateway", n: number): void {
    const role = this.#role(kind, n);
    role.running = new RoleProcess({
      words: role.flags,
      within: role.place.within,
      environment: {
        QUARRY_ROOT_ACCESS_KEY: rootKeys.accessKeyId,
        QUARRY_ROOT_SECRET_KEY: rootKeys.secretAccessKey,
      },
      output: (text) => {
        this.output = (this.output + text.toString()).slice(-1_000_000);
      },
    });
  }

  /** Resolves with the exit code when the process is gone. */
  async end(
    kind: "dataserver" | "gateway",
    n: number,
    signal: "SIGKILL" | "SIGTERM",
  ): Promise<number | null> {
    const role = this.#role(kind, n);
    const { running } = role;
    role.running = undefined;
    return (await running?.end(signal))?.code ?? null;
  }

  /** The process stands still, or goes on. */
  signal(kind: "dataserver" | "gateway", n: number, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#role(kind, n).running?.signal(signal);
  }

  /** 0 while it does not run. */
  pid(kind: "dataserver" | "gateway", n: number): number {
    return this.#role(kind, n).running?.pid ?? 0;
  }

  /** Where dataserver `n` is reached. */
  address(n: number): string {
    const { place, port } = this.#role("dataserver", n);
    return `${place.host}:${port}`;
  }

  endpoint(gateway: number): string {
    const { place, port } = this.#role("gateway", gateway);
    return `http://${place.host}:${port}`;
  }

  /** A client that repeats nothing by itself. */
  s3(gateway: number): S3Client {
    const client = this.#clients[gateway - 1];
    if (client === undefined) throw new Error(`there is no gateway ${gateway}`);
    return client;
  }

  /** How many devices the leader says are up. */
  async devicesUp(): Promise<number> {
    await using client = this.group.client();
    const devices = await client.names.deviceStates();
    return devices.filter(({ state }) => state !== "down").length;
  }

  /** Waits until all dataservers that run are up, and all gateways that run answer. */
  async untilUp(): Promise<void> {
    const untilMs = performance.now() + LONG_START_MS;
    const running = this.#dataservers.filter((role) => role.running !== undefined).length;
    const roles = [...this.#dataservers, ...this.#gateways];
    while (roles.some(({ running: one }) => one?.isReady === false))
      await pauseUntil(untilMs, "a dataserver or a gateway is not ready");
    while ((await this.devicesUp()) < running) await pauseUntil(untilMs, "a dataserver is down");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    for (const n of this.gateways) await this.end("gateway", n, "SIGKILL");
    for (const n of this.dataservers) await this.end("dataserver", n, "SIGKILL");
    await this.group[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #role(kind: "dataserver" | "gateway", n: number): Role {
    const role = (kind === "dataserver" ? this.#dataservers : this.#gateways)[n - 1];
    if (role === undefined) throw new Error(`there is no ${kind} ${n}`);
    return role;
  }
}

function s3Of(endpoint: string): S3Client {
  return new S3Client({
    ...{ endpoint, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 },
    credentials: rootKeys,
  });
}

async function pauseUntil(untilMs: number, what: string): Promise<void> {
  if (performance.now() > untilMs) throw new Error(what);
  await sleep(LOOK_MS);
}
