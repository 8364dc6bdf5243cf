/**
 * A member of a running cluster: its process, and what somebody wants of it. One that ends without
 * being asked to is started again, after a pause that grows.
 */
import { rmSync, writeFileSync } from "node:fs";
import { type Clock, endsWithin, type Timer } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { exitCodes } from "../exit-code.ts";
import { explain } from "../explain.ts";
import type { Tell } from "./events.ts";
import { logOf, pidFileOf } from "./folder.ts";
import { lastLine, openLog } from "./log-file.ts";
import type { Ending, Role, RoleStart } from "./role-process.ts";

export type MemberState =
  | "starting"
  | "ready"
  | "paused"
  | "stopping"
  /** It ended by itself, and is started again soon. */
  | "restarting"
  | "stopped"
  | "killed"
  /** It ended too often, or the group of nameservers took it out. */
  | "failed"
  | "removed";

export interface MemberOptions {
  readonly name: string;
  readonly directory: string;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Its command line now. */
  readonly words: () => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly launch: (start: RoleStart) => Role;
  /** It takes part. */
  readonly begun: () => void;
}

export class Member {
  readonly #options: MemberOptions;
  #state: MemberState = "stopped";
  #process: Role | undefined;
  #readyMs = Number.POSITIVE_INFINITY;
  /** Ends in a row that nobody asked for. */
  #ends = 0;
  #restart: Timer | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Of the process that runs now: resolves when it takes part. */
  get ready(): Promise<void> {
    return this.#process?.ready ?? Promise.resolve();
  }

  /** @throws QuarryError `InvalidArgument` when it runs. */
  start(): void {
    if (this.#process !== undefined) throw wrong(`${this.name} runs already (${this.#state})`);
    this.#ends = 0;
    this.#begin();
  }

  async kill(): Promise<void> {
    await this.#finish("killed", async (process) => await process.end("SIGKILL"));
  }

  /** Resolves with whether it ended in order. */
  async stop(): Promise<boolean> {
    let inOrder = true;
    await this.#finish("stopped", async (process) => {
      this.#state = "stopping";
      process.signal("SIGCONT");
      process.signal("SIGTERM");
      inOrder = await endsWithin(this.#options.clock, process.ended, limits.memberStopMs);
      if (!inOrder) await process.end("SIGKILL");
    });
    return inOrder;
  }

  /** Without waiting for anything. */
  killNow(): void {
    this.#restart?.cancel();
    this.#process?.signal("SIGKILL");
  }

  pause(): void {
    if (this.#state !== "ready" && this.#state !== "starting")
      throw wrong(`${this.name} cannot be paused: it is ${this.#state}`);
    this.#process?.signal("SIGSTOP");
    this.#state = "paused";
    this.#options.tell({ event: "paused", member: this.name });
  }

  resume(): void {
    if (this.#state !== "paused") throw wrong(`${this.name} is not paused, but ${this.#state}`);
    this.#process?.signal("SIGCONT");
    this.#state = this.#process?.isReady === true ? "ready" : "starting";
    this.#options.tell({ event: "resumed", member: this.name });
  }

  async #finish(as: "killed" | "stopped", end: (of: Role) => Promise<unknown>) {
    this.#restart?.cancel();
    const process = this.#process;
    // Before it ends, so that it is not started again.
    this.#state = as;
    if (process === undefined) return;
    await end(process);
    await process.ended;
    this.#state = as;
  }

  #begin(): void {
    const { name, directory, words, environment, launch, tell } = this.#options;
    using log = openLog(logOf(directory, name));
    const process = launch({ words: words(), environment, output: log.descriptor });
    this.#process = process;
    this.#state = "starting";
    this.#readyMs = Number.POSITIVE_INFINITY;
    // So that a next start finds it, should this process not live to end it.
    if (process.pid !== 0) this.#note(process.pid);
    tell({ event: "started", member: name, pid: process.pid });
    void process.ready.then(() => this.#begun());
    void process.ended.then((ending) => this.#ended(ending));
  }

  #begun(): void {
    if (this.#state === "starting") this.#state = "ready";
    this.#readyMs = this.#options.clock.monotonicMs();
    this.#options.begun();
    this.#options.tell({ event: "ready", member: this.name });
  }

  #ended({ code, signal }: Ending): void {
    const { name: member, directory, clock, tell } = this.#options;
    const state = this.#state;
    this.#process = undefined;
    rmSync(pidFileOf(directory, member), { force: true });
    const asked = state === "killed" || state === "stopped" || state === "stopping";
    tell({ event: "ended", member, code, signal, asked, said: lastLine(logOf(directory, member)) });
    if (asked) return;
    if (code === exitCodes.removed) {
      this.#state = "removed";
      return;
    }
    if (clock.monotonicMs() - this.#readyMs > limits.memberSteadyMs) this.#ends = 0;
    this.#again();
  }

  #again(): void {
    const { name: member, directory, clock, tell } = this.#options;
    this.#ends++;
    if (this.#ends >= limits.memberEnds) {
      this.#state = "failed";
      tell({ event: "leftAlone", member, log: logOf(directory, member) });
      return;
    }
    this.#state = "restarting";
    const afterMs = pauseMs(this.#ends);
    tell({ event: "restarting", member, afterMs });
    this.#restart = clock.after(afterMs, () => {
      try {
        this.#begin();
      } catch (error) {
        tell({ event: "notice", message: `${member} could not be started: ${explain(error)}` });
        this.#again();
      }
    });
  }

  /** A disk that is full ends nobody who runs. */
  #note(pid: number): void {
    const { name, directory, tell } = this.#options;
    try {
      writeFileSync(pidFileOf(directory, name), `${pid}\n`);
    } catch (error) {
      tell({ event: "notice", message: `the process of ${name} is not noted: ${explain(error)}` });
    }
  }
}

/** After so many ends in a row. */
export function pauseMs(ends: number): number {
  return Math.min(limits.memberLongestPauseMs, limits.memberPauseMs * 2 ** (ends - 1));
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);
