/** One role of a cluster as a process of its own: how it is started, known to take part, and ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { nodeFlags, ownProgram } from "../own-program.ts";
import type { FromRole } from "../starter.ts";

export interface RoleStart {
  /** The command line, from the name of the role on. */
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Another `quarry` than this one. */
  readonly program?: string;
  /** A command that runs the role, such as one that enters a namespace. */
  readonly within?: readonly string[];
  /** The file (its descriptor) that takes what it prints, or who hears it. */
  readonly output: number | ((text: Buffer) => void);
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What is known and asked of a process. */
export type Role = Pick<RoleProcess, "ready" | "ended" | "isReady" | "pid" | "signal" | "end">;

export class RoleProcess {
  readonly #child: ChildProcess;
  #isReady = false;
  /** Resolves when it takes part: it serves, and the cluster knows it. Never, when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ending>;

  constructor({ words, environment, within = [], output, program = ownProgram() }: RoleStart) {
    const [command = "", ...args] = [...within, process.execPath, ...nodeFlags, program, ...words];
    const to = typeof output === "number" ? output : "pipe";
    // In a group of its own: Ctrl-C is for who started it, who then ends all in order.
    this.#child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", to, to, "ipc"],
      env: { ...process.env, ...environment },
    });
    if (typeof output === "function")
      for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", output);
    const ended = Promise.withResolvers<Ending>();
    this.ended = ended.promise;
    this.#child.once("exit", (code, signal) => ended.resolve({ code, signal }));
    this.#child.once("error", () => ended.resolve({ code: null, signal: null }));
    this.ready = new Promise((resolve) =>
      this.#child.on("message", (message: FromRole) => {
        if (message.kind !== "ready") return;
        this.#isReady = true;
        resolve();
      }),
    );
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** 0 when it could not be started at all. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it is gone. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<Ending> {
    this.#child.kill(signal);
    return await this.ended;
  }
}
