/** A cluster whose members run this version of Quarry or an earlier one, each as it is told. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { systemClock } from "../../base/clock.ts";
import type { NodeId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { RoleProcess } from "../../cli/cluster/role-process.ts";
import { parseAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { MemberStatus } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import { freePort, rootKeys } from "../server-process.ts";

export type Version = "earlier" | "this";

interface Member {
  readonly words: readonly string[];
  running?: RoleProcess | undefined;
  output: string;
}

export const Bucket = "upgraded";
const LONGEST_MS = 60_000;

export class MixedCluster implements AsyncDisposable {
  readonly #earlier: string;
  readonly #directory: string;
  readonly #members = new Map<string, Member>();
  readonly #secret = systemRandom.bytes(32);
  readonly client: S3Client;
  readonly #places: readonly string[];
  readonly #gatewayPort: number;
  readonly #kept = new Map<string, string>();

  private constructor(earlier: string, directory: string, places: readonly string[], port: number) {
    this.#earlier = earlier;
    this.#directory = directory;
    this.#places = places;
    this.#gatewayPort = port;
    this.client = new S3Client({
      ...{ endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", forcePathStyle: true },
      ...{ credentials: rootKeys, maxAttempts: 8 },
    });
  }

  /** Three nameservers, three dataservers and a gateway; nobody runs. `earlier`: its checkout. */
  static async make(earlier: string): Promise<MixedCluster> {
    const directory = await mkdtemp(join(tmpdir(), "quarry-mixed-"));
    const places: string[] = [];
    for (let n = 0; n < 3; n++) places.push(`127.0.0.1:${await freePort()}`);
    const cluster = new MixedCluster(earlier, directory, places, await freePort());
    await writeFile(join(directory, "secret"), cluster.#secret.toString("hex"), { mode: 0o600 });
    const secret = ["--secret-file", join(directory, "secret")];
    const joining = ["--nameservers", places.join(), ...secret];
    const add = (name: string, ...words: string[]) =>
      cluster.#members.set(name, { words, output: "" });
    for (const n of [1, 2, 3]) {
      add(`ns${n}`, "nameserver", "--data", join(directory, `ns${n}`), ...secret);
      const listen = ["--listen", `127.0.0.1:${await freePort()}`, "--location", `host${n}`];
      add(`ds${n}`, "dataserver", "--data", join(directory, `ds${n}`), ...listen, ...joining);
    }
    add("gw", "gateway", "--port", String(cluster.#gatewayPort), ...joining);
    return cluster;
  }

  /** Of all members, or what one printed. */
  output(name?: string): string {
    const all = [...this.#members].filter(([one]) => name === undefined || one === name);
    return all.map(([one, { output }]) => `--- ${one}\n${output}`).join("\n");
  }

  start(name: string, version: Version, environment: Record<string, string> = {}): RoleProcess {
    const member = this.#member(name);
    const found = name.startsWith("ns") && member.output === "" ? this.#founding(name) : [];
    const running = new RoleProcess({
      words: [...member.words, ...found],
      ...(version === "earlier" && { program: join(this.#earlier, "cli", "bin.mjs") }),
      environment: {
        QUARRY_ROOT_ACCESS_KEY: rootKeys.accessKeyId,
        QUARRY_ROOT_SECRET_KEY: rootKeys.secretAccessKey,
        ...environment,
      },
      output: (text) => {
        member.output = (member.output + text.toString()).slice(-100_000);
      },
    });
    member.running = running;
    return running;
  }

  #founding(name: string): string[] {
    const peers = this.#places.map((place, i) => `${i + 1}=${place}`).join();
    return ["--node", name.slice(2), "--peers", peers, "--found"];
  }

  async stop(name: string): Promise<void> {
    await this.#member(name).running?.end("SIGTERM");
    this.#member(name).running = undefined;
  }

  /** One member goes on as another version; resolves when it takes part. */
  async change(name: string, version: Version, environment?: Record<string, string>) {
    await this.stop(name);
    const running = this.start(name, version, environment);
    await this.until(`${name} is ready`, () => running.isReady);
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + LONGEST_MS;
    while (!(await holds())) {
      if (performance.now() > untilMs)
        throw new Error(`not within ${LONGEST_MS} ms: ${what}\n${this.output()}`);
      await sleep(50);
    }
  }

  /** What nameserver n says of itself; undefined while it is away. */
  async status(n: number): Promise<MemberStatus | undefined> {
    await using rpc = new RpcClient({
      ...{ address: parseAddress(this.#places[n - 1] ?? ""), secret: this.#secret },
      ...{ clock: systemClock, random: systemRandom },
    });
    const service = connect(groupTable, rpc, { deadlineMs: 2_000 });
    return await service.status().catch(() => undefined);
  }

  /** All three are at the same entry, with the same digest (INV-6). */
  async agree(): Promise<void> {
    await this.until("the nameservers agree", async () => {
      const all = await Promise.all([1, 2, 3].map((n) => this.status(n)));
      const marks = new Set(all.map((one) => one && `${one.applied} ${one.digest}`));
      return marks.size === 1 && !marks.has(undefined);
    });
  }

  async leader(): Promise<NodeId> {
    let leader = 0 as NodeId;
    await this.until("somebody leads", async () => {
      const all = await Promise.all([1, 2, 3].map((n) => this.status(n)));
      leader = all.find((one) => one?.role === "leader")?.node ?? (0 as NodeId);
      return leader !== 0;
    });
    return leader;
  }

  async put(Key: string): Promise<void> {
    const Body = `${Key} `.repeat(1_000);
    await this.client.send(new PutObjectCommand({ Bucket, Key, Body }));
    this.#kept.set(Key, Body);
  }

  /** Everything that was put. */
  async readAll(): Promise<number> {
    for (const [Key, content] of this.#kept) {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket, Key }));
      if ((await Body?.transformToString()) !== content) throw new Error(`${Key} is another`);
    }
    return this.#kept.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    for (const name of [...this.#members.keys()].reverse())
      await this.#members.get(name)?.running?.end("SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no ${name}`);
    return member;
  }
}
