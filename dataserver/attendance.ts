/**
 * A dataserver's place in the cluster: it registers with the leader until that is done, and tells
 * every nameserver every second that it is there and how full its devices are.
 */
import { type Clock, sleep } from "../base/clock.ts";
import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { LogIndex, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import type { HeartbeatAnswer, LivenessService } from "../rpc/liveness-service.ts";

export interface AttendanceOptions {
  readonly clock: Clock;
  readonly server: ServerId;
  /** host:port, under which it registers. */
  readonly address: string;
  devices(): Promise<readonly DeviceStatus[]>;
  /** Resolves with the epoch of the map from which on it names this server so. */
  register(devices: readonly DeviceStatus[]): Promise<number>;
  /** Some or all of them, host:port: those that answer tell of the others. */
  readonly nameservers: readonly string[];
  /** The way to one; asked for again and again. */
  lineTo(nameserver: string): LivenessService;
  readonly report: (message: string) => void;
}

/** Another attempt would end the same way. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  "Protocol",
  "InvalidArgument",
  "NotImplemented",
  "QuotaExceeded",
]);

export class Attendance implements AsyncDisposable {
  readonly #options: AttendanceOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** From this epoch on a map that names another address says that somebody else has our folder. */
  #epoch: number | undefined;
  #nameservers: readonly string[];
  /** From which entry of the log on they are these. */
  #asOf = 0 as LogIndex;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #complaints = new Map<string, string>();
  readonly #registered = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<QuarryError>();

  constructor(options: AttendanceOptions) {
    this.#options = options;
    this.#nameservers = options.nameservers;
    this.#running = this.#run();
  }

  /** Resolves when the cluster knows this server for the first time. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  /** Resolves when there is no use in going on. */
  get failed(): Promise<QuarryError> {
    return this.#failed.promise;
  }

  /** Says that this server leaves; nothing that fails from now on is of interest. */
  async leave(): Promise<void> {
    this.#stop.abort();
    if (this.#epoch === undefined) return;
    const { server, address } = this.#options;
    const beat = { server, address, devices: [], leaving: true } as const;
    // Whoever does not hear it misses this server before long.
    await Promise.allSettled(
      this.#nameservers.map((name) => this.#options.lineTo(name).heartbeat(beat)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#underWay.values());
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const devices = await this.#options.devices();
      const isKnown = this.#epoch !== undefined;
      if (isKnown) this.#tellAll(devices);
      else await this.#register(devices);
      // As soon as it is registered it is heard of.
      if (isKnown || this.#epoch === undefined) await sleep(clock, limits.heartbeatMs, signal);
    }
  }

  async #register(devices: readonly DeviceStatus[]): Promise<void> {
    try {
      this.#epoch = await this.#options.register(devices);
      this.#complaints.delete("");
      this.#registered.resolve();
    } catch (error) {
      if (!(error instanceof QuarryError)) throw error;
      if (this.#stop.signal.aborted) return;
      if (HOPELESS.has(error.code)) this.#fail(error);
      else this.#complain("", `not registered yet, trying on: ${error.message}`);
    }
  }

  /** One that does not answer keeps none of the others waiting. */
  #tellAll(devices: readonly DeviceStatus[]): void {
    for (const name of this.#nameservers)
      if (!this.#underWay.has(name)) {
        const telling = this.#tell(name, devices).finally(() => this.#underWay.delete(name));
        this.#underWay.set(name, telling);
      }
  }

  async #tell(name: string, devices: readonly DeviceStatus[]): Promise<void> {
    const { server, address, clock } = this.#options;
    const beat = { server, address, devices, wallMs: clock.nowMs() };
    try {
      this.#heard(await this.#options.lineTo(name).heartbeat(beat));
      this.#complaints.delete(name);
    } catch (error) {
      if (!(error instanceof QuarryError)) throw error;
      this.#complain(name, `nameserver ${name} does not hear of this server: ${error.message}`);
    }
  }

  #heard({ epoch, address, nameservers, applied }: HeartbeatAnswer): void {
    if (applied >= this.#asOf && nameservers.length > 0) {
      this.#asOf = applied;
      this.#nameservers = nameservers;
    }
    // A nameserver that follows may not know yet what the leader has acknowledged.
    if (this.#epoch === undefined || epoch < this.#epoch) return;
    if (address === undefined) this.#epoch = undefined;
    else if (address !== this.#options.address)
      this.#fail(
        new QuarryError(
          "Locked",
          `another dataserver, at ${address}, runs with a copy of this folder; only one of them may`,
        ),
      );
  }

  #fail(error: QuarryError): void {
    this.#stop.abort();
    this.#failed.resolve(error);
  }

  /** The same trouble is told once, not every second. */
  #complain(of: string, problem: string): void {
    if (this.#complaints.has(of)) return;
    this.#complaints.set(of, problem);
    this.#options.report(problem);
  }
}
