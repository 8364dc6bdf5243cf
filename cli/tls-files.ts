/**
 * Certificates in files, for every command that talks to other servers. They are looked at again every
 * few seconds, and at SIGHUP: a new certificate needs no restart.
 */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Certificates, TlsIdentity } from "../rpc/tls.ts";
import { explain } from "./explain.ts";

export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
}

/** Adds the flags that {@link openTls} takes. */
export function withTlsOptions(command: Command): Command {
  return command
    .option(
      "--tls-cert <file>",
      "certificate of this process (PEM), with those above it: all servers then use TLS",
    )
    .option("--tls-key <file>", "its private key (PEM)")
    .option("--tls-ca <file>", "the authority that signed the certificates of all servers (PEM)");
}

interface Files {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** The certificates that a command line names; `tls` is undefined when it names none. */
export class TlsFiles implements Disposable {
  readonly tls: TlsIdentity | undefined;
  readonly #files: Files | undefined;
  readonly #report: (message: string) => void;
  readonly #clock: Clock;
  /** What was taken last, and what was refused last. */
  #taken: string;
  #refused = "";
  /** Files are replaced one by one: what makes no sense once may do so at the next look. */
  #suspect = "";
  #timer: Timer | undefined;

  private constructor(
    files: Files | undefined,
    tls: TlsIdentity | undefined,
    taken: string,
    report: (message: string) => void,
    clock: Clock,
  ) {
    this.#files = files;
    this.tls = tls;
    this.#taken = taken;
    this.#report = report;
    this.#clock = clock;
    if (files === undefined) return;
    process.on("SIGHUP", this.#hangUp);
    this.#plan();
  }

  /** @throws QuarryError `InvalidArgument` in words when the files are of no use. */
  static async open(
    flags: TlsFlags,
    report: (message: string) => void = () => undefined,
    clock: Clock = systemClock,
  ): Promise<TlsFiles> {
    const files = filesFrom(flags);
    if (files === undefined) return new TlsFiles(undefined, undefined, "", report, clock);
    const certificates = await readAll(files);
    const tls = new TlsIdentity(certificates, clock);
    return new TlsFiles(files, tls, JSON.stringify(certificates), report, clock);
  }

  /** Looks whether the files have changed. */
  async look(): Promise<void> {
    if (this.#files === undefined || this.tls === undefined) return;
    let text = "";
    try {
      const certificates = await readAll(this.#files);
      text = JSON.stringify(certificates);
      if (text !== this.#taken) {
        this.tls.replace(certificates);
        this.#taken = text;
        this.#report("new certificates: new connections use them");
      }
      this.#suspect = this.#refused = "";
    } catch (error) {
      const refused = `${text}${explain(error)}`;
      if (refused === this.#suspect && refused !== this.#refused) {
        this.#refused = refused;
        this.#report(`the certificates stay as they were: ${explain(error)}`);
      }
      this.#suspect = refused;
    }
  }

  [Symbol.dispose](): void {
    process.off("SIGHUP", this.#hangUp);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #hangUp = (): void => {
    // Who asks wants to hear at once what is wrong.
    void this.look().then(() => (this.#suspect === "" ? undefined : this.look()));
  };

  #plan(): void {
    this.#timer = this.#clock.after(limits.tlsLookMs, () => {
      void this.look().then(() => {
        if (this.#timer !== undefined) this.#plan();
      });
    });
  }
}

function filesFrom({ tlsCert: cert, tlsKey: key, tlsCa: ca }: TlsFlags): Files | undefined {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined)
    throw new QuarryError(
      "InvalidArgument",
      "--tls-cert, --tls-key and --tls-ca belong together: give all three, or none",
    );
  return { cert, key, ca };
}

async function readAll({ cert, key, ca }: Files): Promise<Certificates> {
  const read = (path: string) =>
    readFile(path, "utf8").catch((cause: unknown) => {
      throw new QuarryError("InvalidArgument", `${path} cannot be read: ${explain(cause)}`, {
        cause,
      });
    });
  return { cert: await read(cert), key: await read(key), ca: await read(ca) };
}
