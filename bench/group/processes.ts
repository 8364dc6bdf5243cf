/** The processes of a group that is measured: members, and the load that asks them. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/server-process.ts";
import type { LoadCounts, LoadOrder, MemberCounts, MemberOrder } from "./messages.ts";

export const here: string = resolve(import.meta.dirname, "..", "..");

export function childOf(
  script: string,
  order: unknown,
  tree = here,
  profile?: string,
): ChildProcess {
  const name = join(tree, "bench", "group", script);
  const flags = ["--max-semi-space-size=32"];
  if (profile !== undefined) flags.push("--cpu-prof", "--cpu-prof-dir", profile);
  return fork(name, [JSON.stringify(order)], { execArgv: flags });
}

export const said = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((heard, failed) => {
    const early = (code: number | null) => failed(new Error(`a process ended early, with ${code}`));
    child.once("exit", early);
    child.once("message", (message) => {
      child.off("exit", early);
      heard(message as Message);
    });
  });

function countsOf(member: ChildProcess): Promise<MemberCounts> {
  const counts = said<MemberCounts>(member);
  member.send("counts");
  return counts;
}

export async function ended(child: ChildProcess): Promise<void> {
  const end = new Promise((gone) => child.once("exit", gone));
  if (child.exitCode === null && child.signalCode === null) await end;
}

/** What a load did, and the counts of all members before and after it. */
export interface Loaded {
  readonly counts: LoadCounts;
  readonly before: readonly MemberCounts[];
  readonly after: readonly MemberCounts[];
}

export interface GroupOptions {
  readonly members: number;
  /** Default: this checkout. */
  readonly tree?: string;
  readonly reads?: MemberOrder["reads"];
  /** Where a CPU profile of each process goes. */
  readonly profile?: string;
}

export class Group implements AsyncDisposable {
  readonly #options: GroupOptions;
  readonly directory: string;
  readonly ports: number[] = [];
  /** Those that run, by number. */
  readonly members = new Map<number, ChildProcess>();

  private constructor(options: GroupOptions, directory: string) {
    this.#options = options;
    this.directory = directory;
  }

  /** A place for a group; nobody runs yet. */
  static async prepare(options: GroupOptions): Promise<Group> {
    const group = new Group(options, await mkdtemp(join(tmpdir(), "quarry-bench-group-")));
    for (let i = 0; i < options.members; i++) group.ports.push(await freePort());
    return group;
  }

  static async start(options: GroupOptions): Promise<Group> {
    const group = await Group.prepare(options);
    await Promise.all(group.ports.map((_, i) => group.startMember(i + 1)));
    await group.leader();
    return group;
  }

  directoryOf(node: number): string {
    return join(this.directory, String(node));
  }

  /** Resolves when it listens. */
  async startMember(node: number): Promise<void> {
    const ports = Object.fromEntries(this.ports.map((port, i) => [i + 1, port]));
    const { tree, profile, reads = "quorum" } = this.#options;
    const order: MemberOrder = { directory: this.directoryOf(node), node, ports, reads };
    const member = childOf("member.ts", order, tree, profile);
    this.members.set(node, member);
    await said(member);
  }

  /** Lets a member end, or kills it. */
  async endMember(node: number, how: "end" | "SIGKILL"): Promise<void> {
    const member = this.members.get(node);
    this.members.delete(node);
    if (member === undefined) return;
    if (!member.connected) return;
    if (how === "end") member.send("end");
    else member.kill(how);
    await ended(member);
  }

  counts(): Promise<MemberCounts[]> {
    return Promise.all([...this.members.values()].map(countsOf));
  }

  async countsOf(node: number): Promise<MemberCounts> {
    const member = this.members.get(node);
    if (member === undefined) throw new Error("it does not run");
    return await countsOf(member);
  }

  /** Its number, once there is one. */
  async leader(): Promise<number> {
    for (;;) {
      for (const [node, member] of this.members) if ((await countsOf(member)).isLeader) return node;
      await sleep(20);
    }
  }

  async load(order: Omit<LoadOrder, "ports">): Promise<Loaded> {
    const { tree, profile } = this.#options;
    const child = childOf("load.ts", { ...order, ports: this.ports }, tree, profile);
    await said(child);
    const before = await this.counts();
    const answer = said<LoadCounts>(child);
    child.send("go");
    const counts = await answer;
    const after = await this.counts();
    await ended(child);
    return { counts, before, after };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.members.keys()].map((node) => this.endMember(node, "end")));
    await rm(this.directory, { recursive: true, force: true });
  }
}
