/**
 * Clients that put, read, list and delete few keys, so that they meet. A write without an answer is
 * never sent again (its outcome is open in the history); a read is asked again elsewhere.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, NeedleId, NodeId } from "../../base/ids.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { list } from "../../nameserver/queries/list.ts";
import { lookup } from "../../nameserver/queries/lookup.ts";
import type { Answer, Operation, Request, Seen } from "../linearizable/history.ts";
import { WATCHED } from "./cuts.ts";
import { isOpen, type Line } from "./line.ts";
import type { Oracle } from "./oracle.ts";

const KEYS = 4;
/** Each while clients go on to fresh keys, so that no key's history grows too long to judge. */
const WHILE_MS = 2_500;
const READ_TRIES = 4;
const PROBE = 99;
/** Behind those of the random commands. */
const FIRST_BLOB = 4_097;

export class Clients {
  readonly history: Operation[] = [];
  readonly latenciesMs: number[] = [];
  acknowledged = 0;
  lost = 0;
  lists = 0;
  stopped = false;
  /** How much longer than usual clients wait between two requests. */
  slowness = 1;
  lastAnswerMs = 0;
  readonly #line: Line;
  readonly #oracle: Oracle;
  #clock = 0;
  #count = 0;
  #checks: (() => void)[] = [];
  /** What was last seen of each key, for conditions that may hold. */
  readonly #seen = new Map<string, Seen>();

  constructor(line: Line, oracle: Oracle) {
    this.#line = line;
    this.#oracle = oracle;
  }

  start(count: number): void {
    for (let client = 1; client <= count; client++) void this.#live(client + 100);
  }

  /** Asks this nameserver once, whoever leads. */
  async probe(node: NodeId, nth: number): Promise<void> {
    if (this.stopped) return;
    const key = `${this.#prefix()}${1 + (nth % KEYS)}`;
    const beganAt = ++this.#clock;
    const seen = await this.#line.read(PROBE, node, (state) => seenOf(state, key));
    if (isOpen(seen)) return;
    this.#record({
      client: PROBE,
      key,
      request: { type: "read" },
      beganAt,
      answer: { type: "seen", seen },
    });
  }

  /** Writes once, there. */
  async nudge(node: NodeId, nth: number): Promise<void> {
    if (!this.stopped) await this.#write(PROBE, node, `${this.#prefix()}${1 + (nth % KEYS)}`);
  }

  /** To be called when nothing moves: what was acknowledged has happened. */
  settle(): void {
    for (const run of this.#checks.splice(0)) run();
  }

  async #live(client: number): Promise<void> {
    const { dice } = this.#line;
    let believed = 1 as NodeId;
    while (!this.stopped) {
      await this.#line.sleep(dice.between(1, 60) * this.slowness);
      const node = dice.chance(0.25) ? this.#line.anyNode() : believed;
      const key = this.#key();
      const worked = dice.chance(0.15)
        ? await this.#list(client, node)
        : dice.chance(0.4)
          ? await this.#read(client, node, key)
          : await this.#write(client, node, key);
      if (worked) believed = node;
      else believed = this.#line.anyNode();
    }
  }

  #prefix(): string {
    return `${Math.floor(this.#line.nowMs / WHILE_MS)}/`;
  }

  #key(): string {
    return `${this.#prefix()}${this.#line.dice.between(1, KEYS)}`;
  }

  async #read(client: number, first: NodeId, key: string): Promise<boolean> {
    const beganAt = ++this.#clock;
    let node = first;
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const seen = await this.#line.read(client, node, (state) => seenOf(state, key));
      if (!isOpen(seen)) {
        const answer = { type: "seen", seen } as const;
        this.#record({ client, key, request: { type: "read" }, beganAt, answer });
        this.#seen.set(key, seen);
        return true;
      }
      node = this.#line.anyNode();
    }
    return false;
  }

  async #list(client: number, node: NodeId): Promise<boolean> {
    const prefix = this.#prefix();
    const beganAt = ++this.#clock;
    const from = this.#oracle.acknowledgedIndex;
    const listed = await this.#line.read(client, node, (state) => listOf(state, prefix));
    if (isOpen(listed)) return false;
    this.lists++;
    for (let i = 1; i <= KEYS; i++) {
      const key = `${prefix}${i}`;
      const answer = { type: "seen", seen: listed.get(key) ?? null } as const;
      this.#record({ client, key, request: { type: "read" }, beganAt, answer });
    }
    this.#checks.push(() => {
      const { cuts, decidedIndex } = this.#oracle;
      if (!cuts.isCut(prefix, listed, from, decidedIndex))
        this.#oracle.violated(`a listing shows no moment since index ${from}`);
    });
    return true;
  }

  async #write(client: number, node: NodeId, key: string): Promise<boolean> {
    const request = this.#request(key);
    const beganAt = ++this.#clock;
    const beganMs = this.#line.nowMs;
    const result = await this.#line.propose(client, node, this.#command(key, request));
    const answer = isOpen(result) ? undefined : answerOf(result);
    if (answer === undefined && !isOpen(result)) {
      this.#oracle.violated(`${JSON.stringify(request)} was answered with ${String(result)}`);
      return false;
    }
    this.#record({ client, key, request, beganAt, answer });
    if (answer?.type === "done") this.#acknowledged(request, beganMs);
    if (answer?.type === "done" && request.type === "put") this.#seen.set(key, request.etag);
    return answer !== undefined;
  }

  #acknowledged(request: Request, beganMs: number): void {
    this.acknowledged++;
    this.latenciesMs.push(this.#line.nowMs - beganMs);
    this.lastAnswerMs = this.#line.nowMs;
    if (request.type !== "put") return;
    const { etag } = request;
    this.#checks.push(() => {
      const index = this.#oracle.cuts.indexOf(etag);
      if (index === undefined) {
        this.lost++;
        this.#oracle.violated(`${etag} was acknowledged and is not in the state`);
      } else if (index > this.#oracle.acknowledgedIndex) this.#oracle.acknowledgedIndex = index;
    });
  }

  #record(operation: Omit<Operation, "endedAt">): void {
    const endedAt = operation.answer === undefined ? Infinity : ++this.#clock;
    this.history.push({ ...operation, endedAt });
    const { client, key, request, answer } = operation;
    this.#oracle.say(`${client} ${key} ${JSON.stringify(request)} ${JSON.stringify(answer)}`);
  }

  #request(key: string): Request {
    const { dice } = this.#line;
    if (dice.chance(0.2)) return { type: "delete" };
    const etag = `w${++this.#count}`;
    const seen = this.#seen.get(key) ?? "none";
    return { type: "put", etag, ...(dice.chance(0.5) && { match: seen }) };
  }

  #command(key: string, request: Request): AnyCommand {
    const at = { bucket: WATCHED, key };
    if (request.type !== "put") return { type: "deleteObject", ...at };
    const { etag, match } = request;
    const number = ++this.#count;
    const lengthBytes = 100;
    const needle = BigInt(1_000_000 + number) as NeedleId;
    const chunks = [{ block: 1 as BlockId, needle, lengthBytes, crc32c: 7 }];
    const blob = (FIRST_BLOB + number) as BlobId;
    const conditions = match === "none" ? { ifNoneMatch: "*" } : { ifMatch: match ?? "*" };
    return {
      ...{ type: "putObject", ...at, attributes: { etag } },
      content: { blob, lengthBytes, registered: 0, chunks },
      ...(match !== undefined && { conditions }),
    };
  }
}

function answerOf(result: AnyResult | QuarryError): Answer | undefined {
  if (!(result instanceof QuarryError)) return { type: "done" };
  return hasCode(result, "ConditionFailed", "NoSuchKey") ? { type: "refused" } : undefined;
}

async function seenOf(state: StateReader, key: string): Promise<Seen> {
  try {
    return (await lookup(state, { bucket: WATCHED, key })).object.attributes.etag;
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return null;
    throw error;
  }
}

async function listOf(state: StateReader, prefix: string): Promise<Map<string, string>> {
  const request = { bucket: WATCHED, prefix, delimiter: "", after: "", limit: 100 };
  const { objects } = await list(state, request);
  return new Map(objects.map(({ key, attributes }) => [key, attributes.etag]));
}
