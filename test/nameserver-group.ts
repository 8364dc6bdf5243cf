/** Real `quarry nameserver` processes that form a group, for tests that kill them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { RoleProcess } from "../cli/cluster/role-process.ts";
import { LeaderNames } from "../client/leader.ts";
import { type Address, formatAddress } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import type { GroupService, MemberStatus } from "../rpc/group-service.ts";
import type { NameService } from "../rpc/name-service.ts";
import { groupTable, nameTable } from "../rpc/tables.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import { freePort } from "./server-process.ts";

const ANSWER_MS = 2_000;

type GroupAddress = Address & { readonly port: number };

/** Where members stand, when not all in the same place. */
export interface GroupPlaces {
  /** Default: a free port of 127.0.0.1. */
  readonly address?: (node: number) => GroupAddress;
  /** A command that runs the member, such as one that enters a namespace. */
  readonly within?: (node: number) => readonly string[];
  readonly environment?: (node: number) => Readonly<Record<string, string>>;
  /** The member's folder; default: one of the group's own. */
  readonly data?: (node: number) => string | undefined;
  /** More flags for every member. */
  readonly flags?: readonly string[];
  /** Whom clients of a group with TLS are. */
  readonly tls?: TlsIdentity;
}

export class NameserverGroup implements AsyncDisposable {
  readonly secret = systemRandom.bytes(32);
  readonly addresses = new Map<number, GroupAddress>();
  /** What all processes printed. */
  output = "";
  readonly #said = new Map<number, string>();
  readonly #running = new Map<number, RoleProcess>();
  /** With which code each ended last. */
  readonly #codes = new Map<number, number | null>();
  /** How those began that were not founders. */
  readonly #joining = new Map<number, readonly string[]>();
  readonly #asking = new Map<number, RpcClient>();
  readonly #directory: string;
  readonly #places: GroupPlaces;

  private constructor(directory: string, places: GroupPlaces) {
    this.#directory = directory;
    this.#places = places;
  }

  static async found(count: number, places: GroupPlaces = {}): Promise<NameserverGroup> {
    const group = new NameserverGroup(await mkdtemp(join(tmpdir(), "quarry-group-")), places);
    await writeFile(group.secretFile, group.secret.toString("hex"), { mode: 0o600 });
    for (let node = 1; node <= count; node++) await group.#place(node);
    for (const node of group.nodes) group.start(node, "--found");
    return group;
  }

  async #place(node: number): Promise<GroupAddress> {
    const { secret } = this;
    const { tls, address: placeOf } = this.#places;
    const address = placeOf?.(node) ?? { host: "127.0.0.1", port: await freePort() };
    this.addresses.set(node, address);
    this.#asking.set(
      node,
      new RpcClient({
        ...{ address, secret, clock: systemClock, random: systemRandom },
        ...(tls && { tls }),
        deadlineMs: ANSWER_MS,
      }),
    );
    return address;
  }

  /** One more joins, with the next number. It may be ended and started like the others. */
  async join(...more: readonly string[]): Promise<number> {
    const node = Math.max(...this.nodes) + 1;
    const { servers } = this;
    const address = formatAddress(await this.#place(node));
    this.#joining.set(node, ["--join", servers, "--listen", address, ...more]);
    this.start(node);
    return node;
  }

  /** It belongs to the group no more, and is ended. */
  async forget(node: number): Promise<void> {
    await this.end(node, "SIGKILL");
    this.addresses.delete(node);
  }

  /** As the command line takes them. */
  get servers(): string {
    return [...this.addresses.values()].map(formatAddress).join(",");
  }

  get secretFile(): string {
    return join(this.#directory, "secret");
  }

  get nodes(): number[] {
    return [...this.addresses.keys()];
  }

  start(node: number, ...more: readonly string[]): void {
    const peers = [...this.addresses].map(([id, at]) => `${id}=${formatAddress(at)}`).join(",");
    const founding = more.includes("--found") ? ["--node", String(node), "--peers", peers] : [];
    const role = this.#joining.get(node) ?? founding;
    const flags = ["--data", this.data(node), ...role];
    const { within, environment, flags: common = [] } = this.#places;
    const secret = ["--secret-file", this.secretFile];
    const keep = (said: string, text: Buffer) => (said + text.toString()).slice(-1_000_000);
    const running = new RoleProcess({
      words: ["nameserver", ...flags, ...secret, ...common, ...more],
      within: within?.(node) ?? [],
      environment: environment?.(node) ?? {},
      output: (text) => {
        this.output = keep(this.output, text);
        this.#said.set(node, keep(this.said(node), text));
      },
    });
    this.#running.set(node, running);
    void running.ended.then(({ code }) => {
      this.#codes.set(node, code);
      if (this.#running.get(node) === running) this.#running.delete(node);
    });
  }

  /** The folder of a member. */
  data(node: number): string {
    return this.#places.data?.(node) ?? join(this.#directory, String(node));
  }

  /** What one member printed, in all its lives. */
  said(node: number): string {
    return this.#said.get(node) ?? "";
  }

  runs(node: number): boolean {
    return this.#running.has(node);
  }

  /** The exit code of a member that ends by itself. */
  async ended(node: number): Promise<number | null> {
    const running = this.#running.get(node);
    return running === undefined ? (this.#codes.get(node) ?? null) : (await running.ended).code;
  }

  /** Resolves with the exit code when the process is gone. */
  async end(node: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const running = this.#running.get(node);
    this.#running.delete(node);
    return (await running?.end(signal))?.code ?? null;
  }

  /** 0 while it does not run. */
  pid(node: number): number {
    return this.#running.get(node)?.pid ?? 0;
  }

  /** The process stands still, or goes on. */
  signal(node: number, signal: "SIGSTOP" | "SIGCONT" | "SIGHUP"): void {
    this.#running.get(node)?.signal(signal);
  }

  /** Of all nameservers, or of those with these numbers. */
  client(nodes: readonly number[] = this.nodes): LeaderNames {
    const { secret } = this;
    const { tls } = this.#places;
    const addresses = nodes
      .map((node) => this.addresses.get(node))
      .filter((one) => one !== undefined);
    return new LeaderNames({
      ...{ secret, addresses, clock: systemClock, random: systemRandom },
      ...(tls && { tls }),
    });
  }

  /** One nameserver alone: nobody else is asked when it does not lead. */
  alone(
    node: number,
    deadlineMs: number,
  ): { readonly rpc: RpcClient; readonly names: NameService } {
    const address = this.addresses.get(node);
    if (address === undefined) throw new Error(`there is no nameserver ${node}`);
    const { secret } = this;
    const rpc = new RpcClient({
      ...{ address, secret, deadlineMs, clock: systemClock, random: systemRandom },
    });
    return { rpc, names: connect(nameTable, rpc) };
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

  /**
   * Waits until all have applied the same, and tells their states: one when they agree. After
   * `longestMs` it tells them as they are, with how far each has come.
   */
  async digests(longestMs = Infinity): Promise<Set<string>> {
    const untilMs = performance.now() + longestMs;
    for (;;) {
      const all = await Promise.all(this.nodes.map((node) => this.status(node)));
      const applied = new Set(all.map((one) => one?.applied));
      if (applied.size === 1 && !applied.has(undefined))
        return new Set(all.map((one) => one?.digest ?? ""));
      if (performance.now() > untilMs)
        return new Set(all.map((one, i) => `${i + 1}: ${one?.digest} at ${one?.applied}`));
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const rpc of this.#asking.values()) rpc.close();
    await Promise.all(this.nodes.map((node) => this.end(node, "SIGKILL")));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
