/**
 * /metrics of all processes together, whichever gateway is asked: it asks the storing process, which
 * gathers from all gateways (prom-client's AggregatorRegistry) and adds its own.
 */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
import { type Clock, sleep } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";

const WAIT_MS = 10_000;

/** The storing process's side. */
export class Scrape {
  readonly #gateways = new AggregatorRegistry();
  readonly #own = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#own, prefix: "quarry_storage_" });
  }

  async gather(): Promise<string> {
    return `${await this.#gateways.clusterMetrics()}\n${await this.#own.metrics()}`;
  }
}

/** A gateway's side. */
export class ScrapeOfAll {
  readonly registry = new Registry();
  readonly #ask: (id: number) => void;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, (text: string) => void>();
  #last = 0;

  constructor(ask: (id: number) => void, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
    AggregatorRegistry.setRegistries(this.registry);
    new AggregatorRegistry(); // listens for the storing process's question
  }

  async scrape(): Promise<string> {
    const id = ++this.#last;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#ask(id);
    try {
      const text = await Promise.race([answer, sleep(this.#clock, WAIT_MS)]);
      if (text === undefined)
        throw new QuarryError("Timeout", "the processes did not all give their numbers in time");
      return text;
    } finally {
      this.#waiting.delete(id);
    }
  }

  answered(id: number, text: string): void {
    this.#waiting.get(id)?.(text);
  }
}
