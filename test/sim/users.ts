/**
 * Users of the storage client: they put, read, copy and delete objects whose bytes stand on
 * dataservers. All of the client's code is the real one; what it says goes over the simulated
 * network.
 */
import { createHash } from "node:crypto";
import { hasCode, InvariantError, QuarryError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import { Devices } from "../../client/devices.ts";
import { LeaderNames } from "../../client/leader.ts";
import type { Store } from "../../client/store.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { Answer, Operation, Request, Seen } from "../linearizable/history.ts";
import { type BlockWays, deviceLine } from "./block-line.ts";
import type { Peer } from "./calls.ts";
import { WATCHED } from "./cuts.ts";
import type { Fids } from "./fids.ts";
import { addressOf } from "./leading.ts";
import type { Line } from "./line.ts";
import { nameLine } from "./name-line.ts";
import type { Oracle } from "./oracle.ts";

const KEYS = 4;
const COPIES = 3;
/** How long ago, in such whiles. */
const OLDEST = 4;
const WHILE_MS = 2_500;
const MOST_BYTES = 500;
const PATIENCE_MS = 2_500;

export interface UsersSurroundings {
  readonly line: Line;
  readonly oracle: Oracle;
  readonly ways: BlockWays;
  readonly newPeer: () => Peer;
  /** They also ask for what they have not touched for some time. */
  readonly isLongAgo: boolean;
  readonly isStriped: (key: string) => boolean;
}

export class Users {
  readonly history: Operation[] = [];
  stored = 0;
  fetched = 0;
  copied = 0;
  /** Of stripes, in part. */
  fetchedStriped = 0;
  stopped = false;
  slowness = 1;
  /** By code: how requests failed. */
  readonly failures: Record<string, number> = {};
  /** Where they are on the network. */
  readonly peers: number[] = [];
  readonly #around: UsersSurroundings;
  readonly #contents = new Map<string, Buffer>();
  readonly #seen = new Map<string, Seen>();
  #count = 0;
  #clock = 0;

  constructor(around: UsersSurroundings) {
    this.#around = around;
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) void this.#live(this.#around.newPeer());
  }

  startFids(fids: Fids): void {
    const peer = this.#around.newPeer();
    void fids.live(this.#namesFor(peer), peer);
  }

  #namesFor(peer: Peer): NameService {
    this.peers.push(peer.id);
    const { line } = this.#around;
    const random = seededRandom(line.dice.u32());
    const leader = new LeaderNames({
      ...{ addresses: line.nodes.map(addressOf), secret: new Uint8Array(0), random },
      ...{ clock: peer.process.clock, patienceMs: PATIENCE_MS },
      open: (address) => nameLine(line, peer, address),
    });
    return leader.names;
  }

  async #live(peer: Peer): Promise<void> {
    const { line, ways } = this.#around;
    const { dice } = line;
    const { clock } = peer.process;
    const names = this.#namesFor(peer);
    const random = seededRandom(dice.u32());
    const { serviceOf } = new Devices({
      ...{ names, secret: new Uint8Array(0), clock, random },
      open: (address) => deviceLine(ways, peer, address),
    });
    const store = createClient({ names, serviceOf, clock, random });
    while (!this.stopped) {
      await line.sleep(dice.between(1, 80) * this.slowness);
      await this.#attempt(peer, store).catch((error: unknown) => this.#failed(error));
    }
  }

  async #attempt(peer: Peer, store: Store): Promise<void> {
    const { isLongAgo, line } = this.#around;
    const { dice, nowMs } = line;
    if (isLongAgo && dice.chance(0.3)) return await this.#attemptOld(peer, store);
    const key = `u${Math.floor(nowMs / WHILE_MS)}/${dice.between(1, KEYS)}`;
    if (dice.chance(0.12)) await this.#copy(store, key);
    else if (dice.chance(0.35)) await this.#get(peer, store, key);
    else if (dice.chance(0.2)) await this.#delete(peer, store, key);
    else await this.#put(peer, store, key);
  }

  /** What is cold by now is read, and deleted at last. */
  async #attemptOld(peer: Peer, store: Store): Promise<void> {
    const { dice, nowMs } = this.#around.line;
    const agoMs = dice.between(1, OLDEST) * WHILE_MS;
    const key = `u${Math.max(0, Math.floor((nowMs - agoMs) / WHILE_MS))}/${dice.between(1, KEYS)}`;
    if (dice.chance(0.15)) await this.#delete(peer, store, key);
    else await this.#get(peer, store, key);
  }

  async #put(peer: Peer, store: Store, key: string): Promise<void> {
    const { dice } = this.#around.line;
    const etag = `u${++this.#count}`;
    const content = contentOf(etag, dice.chance(0.1) ? 0 : dice.between(1, MOST_BYTES));
    this.#contents.set(etag, content);
    const seen = this.#seen.get(key) ?? "none";
    const request: Request = { type: "put", etag, ...(dice.chance(0.3) && { match: seen }) };
    const { match } = request;
    const conditions = match === "none" ? { ifNoneMatch: "*" } : { ifMatch: match ?? "*" };
    const target = { bucket: WATCHED, key, ...(match !== undefined && { conditions }) };
    const body = {
      bytes: this.#sent(content, dice.chance(0.15)),
      ...(dice.chance(0.5) && { lengthBytes: content.length }),
    };
    await this.#change(peer, key, request, () => store.put(target, body, () => ({ etag })));
    this.stored++;
    this.#seen.set(key, etag);
  }

  async #delete(peer: Peer, store: Store, key: string): Promise<void> {
    const command = { type: "deleteObject", bucket: WATCHED, key } as const;
    await this.#change(peer, key, { type: "delete" }, () => store.names.execute(command));
  }

  async #get(peer: Peer, store: Store, key: string): Promise<void> {
    const beganAt = ++this.#clock;
    const found = await store.open({ bucket: WATCHED, key, offset: 0 }).catch((error: unknown) => {
      if (hasCode(error, "NoSuchKey")) return undefined;
      throw error;
    });
    const seen = found?.object.attributes.etag ?? null;
    this.#record({
      client: peer.id,
      key,
      request: { type: "read" },
      beganAt,
      answer: { type: "seen", seen },
    });
    this.#seen.set(key, seen);
    if (found === undefined) return;
    const parts: Uint8Array[] = [];
    for await (const part of found.read(0, found.object.lengthBytes)) parts.push(Buffer.from(part));
    this.#check(key, found.object.attributes.etag, Buffer.concat(parts));
  }

  /** To a key that nobody else writes; what it shows must be what the source had. */
  async #copy(store: Store, from: string): Promise<void> {
    const { dice } = this.#around.line;
    const key = `copies/${dice.between(1, COPIES)}`;
    const { object } = await store.open({ bucket: WATCHED, key: from });
    const seen = { etag: object.attributes.etag, modifiedMs: object.modifiedMs };
    const source = { bucket: WATCHED, key: from, seen };
    await store.names.execute({ type: "copyObject", bucket: WATCHED, key, source, change: {} });
    this.copied++;
    const found = await store.open({ bucket: WATCHED, key, offset: 0 });
    const parts: Uint8Array[] = [];
    for await (const part of found.read(0, found.object.lengthBytes)) parts.push(Buffer.from(part));
    this.#check(key, found.object.attributes.etag, Buffer.concat(parts));
  }

  /** @throws what the client threw, unless it is an answer or leaves open what happened. */
  async #change(
    { id: client }: Peer,
    key: string,
    request: Request,
    run: () => Promise<unknown>,
  ): Promise<void> {
    const beganAt = ++this.#clock;
    const record = (answer: Answer | undefined) =>
      this.#record({ client, key, request, beganAt, answer });
    try {
      await run();
      record({ type: "done" });
    } catch (error) {
      record(hasCode(error, "ConditionFailed", "NoSuchKey") ? { type: "refused" } : undefined);
      throw error;
    }
  }

  #check(key: string, etag: string, bytes: Buffer): void {
    this.fetched++;
    if (this.#around.isStriped(key)) this.fetchedStriped++;
    if (this.#contents.get(etag)?.equals(bytes) !== true)
      this.#around.oracle.violated(`INV-3: ${key} (${etag}) was read with other bytes`);
  }

  /** In pieces; a slow sender pauses between them. */
  async *#sent(content: Buffer, isSlow: boolean): AsyncGenerator<Uint8Array> {
    const { line } = this.#around;
    for (let at = 0; at < content.length; ) {
      const end = at + (isSlow ? line.dice.between(1, 200) : content.length);
      yield content.subarray(at, end);
      at = end;
      if (isSlow && at < content.length) await line.sleep(line.dice.between(1, 600));
    }
  }

  #record(operation: Omit<Operation, "endedAt">): void {
    const endedAt = operation.answer === undefined ? Infinity : ++this.#clock;
    this.history.push({ ...operation, endedAt });
    const { client, key, request, answer } = operation;
    const told = `${client} ${key} ${JSON.stringify(request)} ${JSON.stringify(answer)}`;
    this.#around.oracle.say(told);
  }

  #failed(error: unknown): void {
    if (!(error instanceof QuarryError) || error instanceof InvariantError) {
      this.#around.oracle.violated(`a user was told ${String((error as Error).stack)}`);
      return;
    }
    this.failures[error.code] = (this.failures[error.code] ?? 0) + 1;
    this.#around.oracle.say(`a user was told ${error.code}: ${error.message}`);
  }
}

function contentOf(etag: string, lengthBytes: number): Buffer {
  const seed = createHash("md5").update(etag).digest();
  return Buffer.alloc(lengthBytes, seed);
}
