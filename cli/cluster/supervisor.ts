/**
 * The processes of a cluster on one machine: all are started, kept running, and stopped in order
 * (gateways, dataservers, nameservers). Owns the folder as long as it lives.
 */
import { type Clock, endsWithin } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { type Address, parseAddress } from "../../rpc/address.ts";
import { explain } from "../explain.ts";
import { rootCredentials } from "../serve/root-credentials.ts";
import type { Tell } from "./events.ts";
import { type FirstPools, poolWords } from "./first-pools.ts";
import { claimFolder, ensureSecret, pathsOf } from "./folder.ts";
import {
  type ClusterSize,
  plannedCluster,
  plannedMember,
  type Wish,
  withMember,
  withoutMember,
} from "./found.ts";
import { endLeftBehind } from "./left-behind.ts";
import { Member } from "./member.ts";
import {
  addressOf,
  type ClusterPlan,
  type Kind,
  membersOf,
  type PlannedMember,
  readPlan,
  writePlan,
} from "./plan.ts";
import { RoleProcess } from "./role-process.ts";
import { wordsOf } from "./role-words.ts";

/** How long dataservers and gateways let the nameservers go first. */
const HEAD_START_MS = 5_000;

export interface SupervisorOptions {
  /** Absolute. */
  readonly directory: string;
  /** Of a cluster that is to be founded. */
  readonly size: ClusterSize;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: Tell;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #lock: AsyncDisposable;
  readonly #rootKeys: Readonly<Record<string, string>>;
  readonly #members = new Map<string, Member>();
  #plan: ClusterPlan;
  /** One change of the file at a time. */
  #writing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  private constructor(
    options: SupervisorOptions,
    parts: { lock: AsyncDisposable; plan: ClusterPlan; keys: Record<string, string> },
  ) {
    this.#options = options;
    this.#lock = parts.lock;
    this.#plan = parts.plan;
    this.#rootKeys = parts.keys;
    for (const planned of parts.plan.members)
      if (planned.isForgotten !== true) this.#admit(planned);
  }

  /** Takes the folder, and makes what a cluster needs if it has none; nothing is started yet. */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const { directory, clock, random, tell, environment } = options;
    const lock = await claimFolder(nodeDisk, directory);
    try {
      const paths = pathsOf(directory);
      await endLeftBehind(directory, clock, tell);
      await ensureSecret(nodeDisk, random, paths.secret);
      const known = await readPlan(nodeDisk, paths.plan);
      const plan = known ?? (await plannedCluster(options.size, random));
      if (known === undefined) await writePlan(nodeDisk, paths.plan, plan);
      const [gateway] = endpointsOf(plan);
      // Keys of the environment are for a new cluster; one that has its keys keeps them.
      const given = (await nodeDisk.exists(paths.credentials)) ? {} : environment;
      const { credentials } = paths;
      const keys = await rootCredentials(nodeDisk, random, credentials, gateway ?? "", given);
      const { accessKey, secretKey } = keys;
      return new Supervisor(options, {
        ...{ lock, plan },
        keys: { QUARRY_ROOT_ACCESS_KEY: accessKey, QUARRY_ROOT_SECRET_KEY: secretKey },
      });
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** It was founded just now. */
  get isNew(): boolean {
    return this.#plan.members.every(({ hasBegun }) => !hasBegun);
  }

  get plan(): ClusterPlan {
    return this.#plan;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Where they are. */
  get nameservers(): readonly Address[] {
    return membersOf(this.#plan, "nameserver").map((one) => parseAddress(addressOf(one)));
  }

  /** @throws QuarryError `InvalidArgument` for a name that nobody has. */
  member(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const names = [...this.#members.keys()].join(", ");
    throw new QuarryError("InvalidArgument", `there is no ${name}; there are ${names}`);
  }

  /** @throws QuarryError `Closed` once it stops: nobody is started any more. */
  checkRuns(): void {
    if (this.#stopping !== undefined)
      throw new QuarryError("Closed", "the cluster is stopping; start it again first");
  }

  /**
   * Resolves when a gateway serves (or there is none), and all that can have been started. Gateways of
   * a new cluster wait until its pools are made.
   */
  async start(makePools: (pools: FirstPools) => Promise<void>): Promise<void> {
    const { clock, directory, tell } = this.#options;
    const nameservers = this.#of("nameserver");
    for (const member of nameservers) member.start();
    const ready = Promise.all(nameservers.map((member) => member.ready));
    await endsWithin(clock, ready, HEAD_START_MS);
    if (this.#stopping !== undefined) return;
    for (const member of this.#of("dataserver")) member.start();
    await this.#found(makePools);
    if (this.#stopping !== undefined) return;
    const gateways = this.#of("gateway");
    for (const member of gateways) member.start();
    if (gateways.length === 0) return;
    await Promise.race(gateways.map((member) => member.ready));
    const { credentials } = pathsOf(directory);
    tell({ event: "serving", endpoints: endpointsOf(this.#plan), credentials });
  }

  /** Tells the new one's name; it is started. */
  async add(kind: Kind, wish: Wish): Promise<PlannedMember> {
    const planned = await plannedMember(this.#plan, kind, wish, this.#options.random);
    await this.#change((plan) => withMember(plan, planned));
    const member = this.#admit(planned);
    this.checkRuns();
    member.start();
    return planned;
  }

  /** Nobody starts it again; its folder stays. @throws QuarryError `InvalidArgument` while it runs. */
  async forget(name: string): Promise<PlannedMember> {
    const { state } = this.member(name);
    if (state !== "stopped" && state !== "killed" && state !== "failed" && state !== "removed")
      throw new QuarryError("InvalidArgument", `${name} is ${state}: \`stop ${name}\` comes first`);
    const planned = this.#planned(name);
    await this.#change((plan) => withoutMember(plan, name));
    this.#members.delete(name);
    return planned;
  }

  /** Ends all in order; tells who had to be killed. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    await this.#stopping;
  }

  /** Without waiting for anything: for who is in a hurry. */
  killAll(): void {
    for (const member of this.#members.values()) member.killNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#writing;
    await this.#lock[Symbol.asyncDispose]();
  }

  async #stopAll(): Promise<void> {
    const killed: string[] = [];
    for (const kind of ["gateway", "dataserver", "nameserver"] as const)
      await Promise.all(
        this.#of(kind).map(async (member) => {
          if (!(await member.stop())) killed.push(member.name);
        }),
      );
    this.#options.tell({ event: "stopped", members: this.#members.size, killed });
  }

  async #found(makePools: (pools: FirstPools) => Promise<void>): Promise<void> {
    const { pools } = this.#plan;
    if (pools === undefined) return;
    const { tell } = this.#options;
    try {
      await makePools(pools);
      await this.#change(({ pools: _, ...plan }) => plan);
      tell({ event: "notice", message: poolWords(pools) });
    } catch (error) {
      const message = `its pools are not made yet, the next start tries again: ${explain(error)}`;
      tell({ event: "notice", message });
    }
  }

  #of(kind: Kind): Member[] {
    return membersOf(this.#plan, kind).map(({ name }) => this.member(name));
  }

  #admit({ name, kind }: PlannedMember): Member {
    const { directory, clock, tell } = this.#options;
    const member = new Member({
      ...{ name, directory, clock, tell },
      launch: (start) => new RoleProcess(start),
      environment: kind === "gateway" ? this.#rootKeys : {},
      words: () => wordsOf(this.#plan, this.#planned(name), directory),
      begun: () => this.#begun(name),
    });
    this.#members.set(name, member);
    return member;
  }

  #planned(name: string): PlannedMember {
    const planned = this.#plan.members.find((one) => one.name === name);
    if (planned === undefined) throw new QuarryError("InvalidArgument", `there is no ${name}`);
    return planned;
  }

  #begun(name: string): void {
    if (this.#planned(name).hasBegun) return;
    const begin = (one: PlannedMember) => (one.name === name ? { ...one, hasBegun: true } : one);
    this.#change((plan) => ({ ...plan, members: plan.members.map(begin) })).catch(
      (error: Error) => {
        const message = `that ${name} has begun is not noted: ${error.message}`;
        this.#options.tell({ event: "notice", message });
      },
    );
  }

  async #change(change: (plan: ClusterPlan) => ClusterPlan): Promise<void> {
    this.#plan = change(this.#plan);
    const { plan } = pathsOf(this.#options.directory);
    const written = this.#writing.then(() => writePlan(nodeDisk, plan, this.#plan));
    this.#writing = written.catch(() => undefined); // whoever asked for the change hears of it
    await written;
  }
}

/** Where S3 is served. */
export function endpointsOf(plan: ClusterPlan): string[] {
  return membersOf(plan, "gateway").map((gateway) => `http://${addressOf(gateway)}`);
}
