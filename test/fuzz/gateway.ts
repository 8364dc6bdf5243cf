/** The fuzz of the S3 gateway: its targets in turn, for a time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openClient } from "../../client/open-servers.ts";
import type { Store } from "../../client/store.ts";
import { memoryStore } from "../memory-store.ts";
import { chunkedBodies } from "./chunked-bodies.ts";
import { forms } from "./forms.ts";
import { headerChecks } from "./header-checks.ts";
import { HttpRequests } from "./http-requests.ts";
import { type Counts, FuzzFailure, runRound, type Target } from "./rounds.ts";
import { sdkSigner } from "./sdk-signer.ts";
import { signedRequests } from "./signed-requests.ts";
import { targetParser } from "./target-parser.ts";
import { xmlDocuments } from "./xml-documents.ts";

async function storeOnDisk(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "quarry-fuzz-"));
  const store = await openClient({ directories: [directory], durability: "none" });
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

/** Fresh targets; those with a server start it when they are first asked. */
export function gatewayTargets(): Target[] {
  return [
    targetParser,
    sdkSigner,
    signedRequests,
    chunkedBodies,
    xmlDocuments,
    headerChecks,
    forms,
    new HttpRequests("http", { open: memoryStore }),
    new HttpRequests("http-disk", { open: storeOnDisk }),
  ];
}

export interface GatewayFuzz {
  readonly seconds: number;
  readonly seed: number;
  /** One target, by name. */
  readonly only?: string | undefined;
  /** Every so often, what a renewed fuzz still holds of the heap must not have grown. */
  readonly watchMemory?: boolean;
  readonly say?: (line: string) => void;
}

/** A target works this long before the next has its turn; a lap is one turn of each. */
const TURN_MS = 1000;
const RENEW_LAPS = 10;
const HEAP_GROWTH_BYTES = 32 * 2 ** 20;

export async function fuzzGateway(options: GatewayFuzz) {
  const { seconds, seed, only, say = () => undefined } = options;
  const targets = gatewayTargets().filter(({ name }) => only === undefined || name === only);
  if (targets.length === 0) throw new Error(`no target is called ${only}`);
  const counts = new Map(targets.map((target) => [target, { rounds: 0, outcomes: {} } as Counts]));
  const memory = new HeapWatch();
  const endMs = performance.now() + seconds * 1000;
  const turnMs = Math.min(TURN_MS, (seconds * 1000) / targets.length);
  let next = seed;
  try {
    for (let lap = 1; ; lap++) {
      for (const target of targets) {
        const turnEndMs = performance.now() + turnMs;
        do await runRound(target, next++, counts.get(target) ?? { rounds: 0, outcomes: {} });
        while (performance.now() < turnEndMs);
      }
      const over = performance.now() >= endMs;
      if (lap % RENEW_LAPS === 0 || over) {
        for (const target of targets) await target.renew?.();
        if (options.watchMemory === true) memory.look();
        say(
          `${Math.round((endMs - performance.now()) / 1000)} s left, seed ${next}, ${memory.text}`,
        );
      }
      if (over) break;
    }
  } finally {
    for (const target of targets) await target.close?.();
  }
  const byTarget = targets.map((target) => [target.name, counts.get(target)] as const);
  return { seed, seconds, ...memory.counts, targets: Object.fromEntries(byTarget) };
}

/** The heap after a collection, against what it was when all had been used once. */
class HeapWatch {
  readonly #collect: () => void;
  #firstBytes: number | undefined;
  #lastBytes = 0;
  #mostBytes = 0;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc") as () => void;
  }

  look(): void {
    this.#collect();
    this.#lastBytes = process.memoryUsage().heapUsed;
    this.#mostBytes = Math.max(this.#mostBytes, this.#lastBytes);
    this.#firstBytes ??= this.#lastBytes;
    if (this.#lastBytes > this.#firstBytes + HEAP_GROWTH_BYTES)
      throw new FuzzFailure(
        `the heap grew from ${this.#firstBytes} to ${this.#lastBytes} bytes: something is never let go`,
      );
  }

  get text(): string {
    return `heap ${Math.round(this.#lastBytes / 2 ** 20)} MiB`;
  }

  get counts() {
    return {
      heapFirstBytes: this.#firstBytes ?? 0,
      heapLastBytes: this.#lastBytes,
      heapMostBytes: this.#mostBytes,
      rssBytes: process.memoryUsage().rss,
    };
  }
}
