/** Counts and times of requests for /metrics, by verb and status. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";

const seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

interface Child {
  inc(): void;
  observe(value: number): void;
}

export class GatewayMetrics {
  readonly registry: Registry;
  readonly #requests: Counter<"verb" | "status">;
  readonly #seconds: Histogram<"verb">;
  /** Label sets are resolved once for each verb and status: they are few. */
  readonly #children = new Map<string, Map<number, Child>>();
  #inFlight = 0;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(registry: Registry) {
    this.registry = registry;
    const registers = [registry];
    if (registry.getSingleMetric("process_cpu_seconds_total") === undefined)
      collectDefaultMetrics({ register: registry });
    this.#requests = new Counter({
      name: "quarry_s3_requests_total",
      help: "Requests answered, by verb and status.",
      labelNames: ["verb", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "quarry_s3_request_seconds",
      help: "Time from the head of a request to the end of its answer.",
      labelNames: ["verb"],
      buckets: seconds,
      registers,
    });
    const counter = (name: string, help: string, value: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    counter(
      "quarry_s3_received_bytes_total",
      "Bytes of bodies received.",
      () => this.#receivedBytes,
    );
    counter("quarry_s3_sent_bytes_total", "Bytes of bodies sent.", () => this.#sentBytes);
    const inFlight = () => this.#inFlight;
    new Gauge({
      name: "quarry_s3_requests_in_flight",
      help: "Requests not answered yet.",
      registers,
      collect() {
        this.set(inFlight());
      },
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  began(): void {
    this.#inFlight++;
  }

  ended(
    verb: string,
    status: number,
    tookMs: number,
    receivedBytes: number,
    sentBytes: number,
  ): void {
    this.#inFlight--;
    this.#receivedBytes += receivedBytes;
    this.#sentBytes += sentBytes;
    const child = this.#child(verb, status);
    child.inc();
    child.observe(tookMs / 1000);
  }

  #child(verb: string, status: number): Child {
    const ofVerb = this.#children.get(verb) ?? new Map<number, Child>();
    let child = ofVerb.get(status);
    if (child === undefined) {
      const count = this.#requests.labels(verb, String(status));
      const time = this.#seconds.labels(verb);
      child = { inc: () => count.inc(), observe: (value) => time.observe(value) };
      this.#children.set(verb, ofVerb.set(status, child));
    }
    return child;
  }
}
