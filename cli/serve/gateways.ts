/** The gateway processes: started, replaced when they die, stopped together. */
import cluster, { type Worker } from "node:cluster";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Clock, sleep } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Face } from "./face.ts";
import type { FromGateway, ToGateway } from "./messages.ts";
import { Scrape } from "./scrape.ts";

const RESTART_MS = 250;
const STOP_MS = 30_000;
/** So many deaths without one becoming ready in between are no accident. */
const MAX_FAILURES = 10;

type Where = Pick<Face, "url" | "more">;
type Start = Extract<ToGateway, { kind: "start" }>;

export class Gateways {
  readonly #start: Start;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #workers = new Set<Worker>();
  readonly #scrape = new Scrape();
  #failures = 0;
  #stopping = false;
  /** Resolves when the gateways cannot be kept running. */
  readonly failed: Promise<QuarryError>;
  readonly #fail: (error: QuarryError) => void;

  constructor(start: Start, clock: Clock, logger: Logger) {
    this.#start = start;
    this.#clock = clock;
    this.#logger = logger;
    const failed = Promise.withResolvers<QuarryError>();
    this.failed = failed.promise;
    this.#fail = failed.resolve;
    const source = join(import.meta.dirname, "gateway-process.ts");
    cluster.setupPrimary({
      exec: existsSync(source) ? source : join(import.meta.dirname, "gateway-process.js"),
    });
  }

  /** Starts them all; resolves with the addresses when every one listens. */
  async open(count: number): Promise<Where> {
    const all = await Promise.all(Array.from({ length: count }, () => this.#fork()));
    return all[0] ?? { url: "", more: [] };
  }

  /** Asks all to answer what is under way and end; ends those that do not in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const gone = [...this.#workers].map(
      (worker) => new Promise<void>((resolve) => worker.once("exit", () => resolve())),
    );
    for (const worker of this.#workers) this.#send(worker, { kind: "stop" });
    await Promise.race([Promise.all(gone), sleep(this.#clock, STOP_MS)]);
    for (const worker of this.#workers) worker.process.kill("SIGKILL");
  }

  #fork(): Promise<Where> {
    const worker = cluster.fork();
    this.#workers.add(worker);
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromGateway) => {
        switch (message.kind) {
          case "started":
            this.#send(worker, this.#start);
            break;
          case "ready":
            this.#failures = 0;
            resolve({ url: message.url, more: message.more });
            break;
          case "scrape":
            this.#answerScrape(worker, message.id);
            break;
          case "failed":
            reject(new QuarryError("Unavailable", message.message));
            worker.process.kill("SIGKILL");
            break;
        }
      });
      worker.once("exit", (code, signal) => {
        this.#workers.delete(worker);
        reject(new QuarryError("Unavailable", `a gateway ended at its start (${signal ?? code})`));
        if (!this.#stopping) this.#replace(signal ?? String(code));
      });
    });
  }

  #replace(how: string): void {
    this.#failures++;
    this.#logger.error(
      { how, failures: this.#failures },
      "a gateway process died; another takes its place",
    );
    if (this.#failures > MAX_FAILURES) {
      this.#fail(
        new QuarryError("Unavailable", "gateway processes die again and again; see the log"),
      );
      return;
    }
    this.#clock.after(RESTART_MS * this.#failures, () => {
      if (this.#stopping) return;
      this.#fork().catch((error: unknown) => {
        this.#logger.error({ err: error }, "a gateway process did not start");
      });
    });
  }

  #answerScrape(worker: Worker, id: number): void {
    this.#scrape.gather().then(
      (text) => this.#send(worker, { kind: "scraped", id, text }),
      (error: unknown) => this.#logger.warn({ err: error }, "not all gateways gave their numbers"),
    );
  }

  #send(worker: Worker, message: ToGateway): void {
    if (worker.isConnected()) worker.send(message);
  }
}
