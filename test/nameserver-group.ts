/** Real `quarry nameserver` processes that form a group, for tests that kill them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { LeaderNames } from "../client/leader.ts";
import type { Address } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import type { GroupService, MemberStatus } from "../rpc/group-service.ts";
import { groupTable } from "../rpc/tables.ts";
import { freePort } from "./server-process.ts";

const bin = resolve(import.meta.dirname, "..", "cli", "bin.mjs");
const ANSWER_MS = 2_000;

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

export class NameserverGroup implements AsyncDisposable {
  readonly secret = systemRandom.bytes(32);
  readonly addresses = new Map<number, Address & { readonly port: number }>();
  /** What all processes printed. */
  output = "";
  readonly #running = new Map<number, Running>();
  readonly #asking = new Map<number, RpcClient>();
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async found(count: number): Promise<NameserverGroup> {
    const group = new NameserverGroup(await mkdtemp(join(tmpdir(), "quarry-group-")));
    const { secret, addresses } = group;
    await writeFile(group.secretFile, secret.toString("hex"), { mode: 0o600 });
    for (let node = 1; node <= count; node++) {
      const address = { host: "127.0.0.1", port: await freePort() };
      addresses.set(node, address);
      group.#asking.set(
        node,
        new RpcClient({
          ...{ address, secret, clock: systemClock, random: systemRandom },
          deadlineMs: ANSWER_MS,
        }),
      );
    }
    for (const node of group.nodes) group.start(node, "--found");
    return group;
  }

  get secretFile(): string {
    return join(this.#directory, "secret");
  }

  get nodes(): number[] {
    return [...this.addresses.keys()];
  }

  start(node: number, ...more: readonly string[]): void {
    const peers = [...this.addresses].map(([id, { port }]) => `${id}=127.0.0.1:${port}`).join(",");
    const data = join(this.#directory, String(node));
    const flags = ["--data", data, "--node", String(node), "--peers", peers];
    const secret = ["--secret-file", this.secretFile];
    const child = spawn(process.execPath, [bin, "nameserver", ...flags, ...secret, ...more], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => {
        this.output = (this.output + text.toString()).slice(-1_000_000);
      });
    const ended = new Promise<number | null>((gone) => child.once("exit", gone));
    this.#running.set(node, { child, ended });
  }

  /** Resolves with the exit code when the process is gone. */
  async end(node: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const running = this.#running.get(node);
    this.#running.delete(node);
    running?.child.kill(signal);
    return (await running?.ended) ?? null;
  }

  /** The process stands still, or goes on. */
  signal(node: number, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#running.get(node)?.child.kill(signal);
  }

  /** Of all nameservers, or of those with these numbers. */
  client(nodes: readonly number[] = this.nodes): LeaderNames {
    const { secret } = this;
    const addresses = nodes
      .map((node) => this.addresses.get(node))
      .filter((one) => one !== undefined);
    return new LeaderNames({ secret, addresses, clock: systemClock, random: systemRandom });
  }

  async status(node: number): Promise<MemberStatus | undefined> {
    const rpc = this.#asking.get(node);
    if (rpc === undefined || !this.#running.has(node)) return undefined;
    const service: GroupService = connect(groupTable, rpc);
    return await service.status().catch(() => undefined);
  }

  /** Who leads in the latest term that anybody knows of. */
  async leader(): Promise<number> {
    for (;;) {
      const all = await Promise.all(this.nodes.map((node) => this.status(node)));
      const [latest] = all
        .filter((one) => one !== undefined)
        .toSorted(
          (a, b) => b.term - a.term || Number(b.role === "leader") - Number(a.role === "leader"),
        );
      if (latest?.role === "leader") return latest.node;
      await sleep(10);
    }
  }

  /** Waits until all have applied the same, and tells their states: one when they agree. */
  async digests(): Promise<Set<string>> {
    for (;;) {
      const all = await Promise.all(this.nodes.map((node) => this.status(node)));
      const applied = new Set(all.map((one) => one?.applied));
      if (applied.size === 1 && !applied.has(undefined))
        return new Set(all.map((one) => one?.digest ?? ""));
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const rpc of this.#asking.values()) rpc.close();
    await Promise.all(this.nodes.map((node) => this.end(node, "SIGKILL")));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
