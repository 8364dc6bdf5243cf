/**
 * A whole store on a simulated disk, with a script of everything that clients and workers do to it,
 * and what was acknowledged of it. Time moves only when the script says so, so that every run makes
 * the same changes on the disk in the same order.
 */
import { expect } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { SimulatedDisk } from "../../base/disk-simulated.ts";
import { seededRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import type { Store } from "../../client/store.ts";
import { type Dataserver, openDataserver } from "../../dataserver/dataserver.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { type Nameserver, openNameserver } from "../../nameserver/nameserver.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { MemoryState } from "../../nameserver/state-memory.ts";
import { contentOf, type KillModel, sha256 } from "./kill-model.ts";

export const HOLD_MS = 60_000;
export const SETTLE_MS = 10_000;
const BLOCK_BYTES = 24 * 1024;
/** Workers rest this long when there is nothing to do. */
const PAUSE_MS = 1_000;

/** What stays when the power goes. */
export interface Machine {
  readonly disk: SimulatedDisk;
  state: MemoryState;
  epochMs: number;
}

/** All that runs on promises alone has run when this resolves. */
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Life implements AsyncDisposable {
  readonly machine: Machine;
  readonly model: KillModel;
  readonly clock: SimulatedClock;
  readonly store: Store;
  readonly nameserver: Nameserver;
  readonly dataserver: Dataserver;
  readonly reports: string[];
  #version = 0;

  private constructor(machine: Machine, model: KillModel, opened: Opened) {
    this.machine = machine;
    this.model = model;
    this.clock = opened.clock;
    this.nameserver = opened.nameserver;
    this.dataserver = opened.dataserver;
    this.reports = opened.reports;
    this.store = createClient({
      names: opened.nameserver,
      serviceOf: () => opened.dataserver,
      clock: opened.clock,
      random: seededRandom(machine.epochMs % 1_000_003),
    });
  }

  static async open(machine: Machine, model: KillModel): Promise<Life> {
    return new Life(machine, model, await openMachine(machine));
  }

  async put(key: string, lengthBytes: number): Promise<void> {
    const content = contentOf(key, ++this.#version, lengthBytes);
    await this.#change(key, sha256(content), () =>
      this.store.put({ bucket: "b", key }, bodyOf(content), () => ({ etag: sha256(content) })),
    );
  }

  async remove(key: string): Promise<void> {
    const command = { type: "deleteObject", bucket: "b", key } as const;
    await this.#change(key, undefined, () => this.store.names.execute(command));
  }

  /** Brings `key` back with the content that it had before. */
  async undelete(key: string, state: string): Promise<void> {
    const command = { type: "undelete", bucket: "b", key } as const;
    await this.#change(key, state, () => this.store.names.execute(command));
  }

  async multipart(key: string, lengths: readonly number[]): Promise<void> {
    const { names } = this.store;
    const begun = await names.execute({ type: "createUpload", bucket: "b", key, attributes: {} });
    const target = { bucket: "b", key, upload: begun.type === "upload" ? begun.upload : "" };
    const contents = lengths.map((length) => contentOf(key, ++this.#version, length));
    await allOf(
      contents.map((content, i) =>
        this.store.putPart({ ...target, part: i + 1 }, bodyOf(content), () => ({
          etag: sha256(content),
        })),
      ),
    );
    const parts = contents.map((content, i) => ({ part: i + 1, etag: sha256(content) }));
    await names.execute({ type: "stageParts", ...target, staged: 0, parts });
    const whole = sha256(Buffer.concat(contents));
    const complete = {
      type: "completeUpload",
      ...target,
      staged: parts.length,
      etag: "e",
    } as const;
    await this.#change(key, whole, () => names.execute(complete));
  }

  /** Uploads a part and gives the upload up. */
  async abort(key: string): Promise<void> {
    const { names } = this.store;
    const begun = await names.execute({ type: "createUpload", bucket: "b", key, attributes: {} });
    const target = { bucket: "b", key, upload: begun.type === "upload" ? begun.upload : "" };
    const content = contentOf(key, ++this.#version, 9_000);
    await this.store.putPart({ ...target, part: 1 }, bodyOf(content), () => ({ etag: "e" }));
    await names.execute({ type: "abortUpload", ...target });
  }

  /** Time passes, and the workers work. */
  async rest(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += PAUSE_MS) {
      this.clock.advance(PAUSE_MS);
      await quiet();
    }
  }

  async read(key: string): Promise<string | undefined> {
    const listed = await this.listed();
    if (!listed.has(key)) return undefined;
    const { object, read } = await this.store.open({ bucket: "b", key, offset: 0 });
    const parts: Buffer[] = [];
    for await (const view of read(0, object.lengthBytes)) parts.push(Buffer.from(view));
    return sha256(Buffer.concat(parts));
  }

  async listed(): Promise<Set<string>> {
    const request = { bucket: "b", prefix: "", delimiter: "", after: "", limit: 1000 };
    const { objects } = await this.store.names.list(request);
    return new Set(objects.map(({ key }) => key));
  }

  /** Everything acknowledged reads back right, and nothing else is there. */
  async check(): Promise<void> {
    for (const key of this.model.keys()) this.model.observe(key, await this.read(key));
    this.model.compareListing(await this.listed());
    expect(this.model.complaints).toEqual([]);
  }

  /** Needles of settled blocks that the metadata does not name, and names without a needle. */
  async disagreements(): Promise<string[]> {
    const found: string[] = [];
    const { state } = this.nameserver.group;
    for (const { device } of await this.dataserver.devices())
      for (const { block, needles } of await this.dataserver.blocks(device, 0, 1000)) {
        if (read(state, keys.block(block))?.state !== "settled") continue;
        const named = read(state, keys.blockUse(block))?.needles;
        if (named !== needles) found.push(`block ${block}: ${needles} needles, ${named} named`);
      }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nameserver[Symbol.asyncDispose]();
    await this.dataserver[Symbol.asyncDispose]();
    this.machine.epochMs = this.clock.nowMs();
  }

  async #change(key: string, outcome: string | undefined, run: () => Promise<unknown>) {
    this.model.begin(key, outcome);
    await run();
    this.model.acknowledge(key, outcome);
  }
}

/** Waits for all, so that nothing of this life runs on in the next. */
export async function allOf(runs: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(runs)) if (end.status === "rejected") throw end.reason;
}

function bodyOf(content: Buffer) {
  async function* bytes() {
    for (let at = 0; at < content.length; at += 1500) yield content.subarray(at, at + 1500);
  }
  return { bytes: bytes(), lengthBytes: content.length };
}

interface Opened {
  readonly clock: SimulatedClock;
  readonly nameserver: Nameserver;
  readonly dataserver: Dataserver;
  readonly reports: string[];
}

async function openMachine(machine: Machine): Promise<Opened> {
  machine.epochMs += 1_000;
  const clock = new SimulatedClock(machine.epochMs);
  const reports: string[] = [];
  const shared = { disk: machine.disk, clock, random: seededRandom(machine.epochMs % 999_983) };
  const dataserver = await openDataserver({
    ...shared,
    directories: ["/s/device"],
    reserveBytes: 0,
    blockBytes: BLOCK_BYTES,
    extendBytes: 4096,
    report: ({ message }) => reports.push(message),
  });
  try {
    const nameserver = await openNameserver({
      ...shared,
      directory: "/s/nameserver",
      blocks: dataserver,
      durability: "commit",
      holdMs: HOLD_MS,
      settleMs: SETTLE_MS,
      workersPauseMs: PAUSE_MS,
      report: (message) => reports.push(message),
      openState: () => Promise.resolve(machine.state),
    });
    return { clock, nameserver, dataserver, reports };
  } catch (error) {
    await dataserver[Symbol.asyncDispose]();
    throw error;
  }
}
