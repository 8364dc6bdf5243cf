/**
 * The way of every request of the fid face: target → who calls → what it may → verb → answer. Reading
 * what a fid names takes no right but its name, and a token where the gateway asks for one: names
 * cannot be guessed. Everything else takes the rights that the bucket gives.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Clock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { App } from "../../client/fids/fids.ts";
import type { Body, Store } from "../../client/store.ts";
import { mayUseBucket } from "../acl/permissions.ts";
import type { Answer } from "../answer.ts";
import { Exchange, type GatewayState } from "../exchange.ts";
import { anonymous, type Identity, isAnonymous } from "../identity.ts";
import { RefusalLog } from "../refusal-log.ts";
import { asS3Error, S3Error } from "../s3/errors.ts";
import { sendAnswer } from "../send.ts";
import type { FidCall } from "./call.ts";
import { Callers } from "./callers.ts";
import { readFile, removeFile, storeFile, tellOfFile } from "./files.ts";
import { putNamed, readNamed, removeNamed } from "./named.ts";
import { type FidTarget, fidTargetOf } from "./target.ts";
import { refusalOf, type TokenRule } from "./token.ts";

export interface FidPipelineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent: files are served to whoever knows their names. */
  readonly tokens?: TokenRule;
}

interface Verb {
  /** `file`: by its name, and a token; `WRITE`: who may write into the bucket; `object`: judged by the verb. */
  readonly right: "file" | "WRITE" | "object";
  readonly handle: (call: FidCall) => Promise<Answer>;
}

export class FidPipeline implements GatewayState {
  readonly #options: FidPipelineOptions;
  readonly #callers: Callers;
  readonly #log: RefusalLog;
  readonly hostId: string;
  readonly region = "";
  #closing = false;
  #inFlight = 0;

  constructor(options: FidPipelineOptions) {
    const { store, clock, logger, random } = options;
    this.#options = options;
    this.#callers = new Callers(store.names, clock);
    this.#log = new RefusalLog(logger, clock);
    this.hostId = random.bytes(12).toString("hex");
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** From now on every answer closes its connection. */
  drain(): void {
    this.#closing = true;
  }

  /** Answers one request; `url` is the target as it was sent. Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const { clock, random } = this.#options;
    const requestId = random.bytes(8).toString("hex");
    const exchange = new Exchange(request, response, requestId, this, clock);
    this.#inFlight++;
    try {
      await sendAnswer(exchange, await this.#run(exchange, url));
    } catch (error) {
      await this.#refuse(exchange, error);
    } finally {
      this.#inFlight--;
    }
  }

  async #run(exchange: Exchange, url: string): Promise<Answer> {
    if (this.#inFlight > limits.requests) throw new S3Error("SlowDown");
    const { store, clock } = this.#options;
    const { request } = exchange;
    exchange.path = url;
    const target = fidTargetOf(url);
    const verb = verbOf(request.method ?? "", target);
    this.#checkToken(verb, target);
    const { authorization } = request.headers;
    const identity =
      verb.right === "file" ? anonymous : await this.#callers.identify(authorization);
    const app = await store.fids.apps.of(target.app);
    if (verb.right === "WRITE") demand(identity, app);
    const judgeAgain = async () => {
      const now = await this.#callers.identify(authorization);
      demand(now, await store.fids.apps.of(target.app));
    };
    const body = bodyOf(exchange, clock, judgeAgain);
    const call = { request, target, identity, store, fids: store.fids, app, clock, body };
    return await verb.handle(call);
  }

  #checkToken({ right }: Verb, { name, query }: FidTarget): void {
    const { tokens, clock } = this.#options;
    if (tokens === undefined || right !== "file") return;
    const refusal = refusalOf(tokens, name, query.get("token"), query.get("ts"), clock.nowMs());
    if (refusal !== undefined) throw new S3Error("AccessDenied", refusal, { Token: "refused" });
  }

  async #refuse(exchange: Exchange, error: unknown): Promise<void> {
    const { requestId, request, response, path } = exchange;
    if (exchange.gone || response.headersSent) {
      // What was begun cannot be taken back: cutting it short is the only way to say that it is wrong.
      if (!exchange.gone)
        this.#log.refused({ requestId, verb: "Fid", path }, asS3Error(error), error);
      response.destroy();
      return;
    }
    const told = asS3Error(error);
    this.#log.refused({ requestId, verb: "Fid", path }, told, error);
    try {
      await sendAnswer(exchange, refusalAnswer(told, request, requestId));
    } catch {
      // Nobody is left to hear it; what was refused is in the log.
      response.destroy();
    }
  }
}

function verbOf(method: string, { name, fid, isMetadata, query }: FidTarget): Verb {
  const isRead = method === "GET" || method === "HEAD";
  // What is told of hidden files is for those who may write.
  if (isMetadata && isRead)
    return { right: query.get("type") === "1" ? "WRITE" : "file", handle: tellOfFile };
  if (!isMetadata && name === "" && method === "POST") return { right: "WRITE", handle: storeFile };
  if (!isMetadata && fid !== undefined) {
    if (isRead) return { right: "file", handle: readFile };
    if (method === "DELETE") return { right: "WRITE", handle: removeFile };
    if (method === "PUT")
      throw new S3Error(
        "MethodNotAllowed",
        "A file that a fid names never changes: POST the new one, and DELETE this.",
      );
  }
  if (!isMetadata && name !== "" && fid === undefined) {
    if (isRead) return { right: "object", handle: readNamed };
    if (method === "PUT") return { right: "WRITE", handle: putNamed };
    if (method === "DELETE") return { right: "WRITE", handle: removeNamed };
  }
  throw new S3Error(
    "MethodNotAllowed",
    "POST /v1/app stores; GET, HEAD and DELETE /v1/app/name, PUT for names that are no fids.",
  );
}

function demand(identity: Identity, { info }: App): void {
  if (!mayUseBucket(identity, info, "WRITE"))
    throw new S3Error(
      "AccessDenied",
      isAnonymous(identity)
        ? "Say who you are with Basic authentication: access key and secret key."
        : "You may not write into this bucket.",
    );
}

/** What took long, as the bytes of a slow sender do, is judged again before it counts. */
function bodyOf({ body }: Exchange, clock: Clock, judgeAgain: () => Promise<void>): Body {
  const sinceMs = clock.monotonicMs();
  async function* judged(): AsyncGenerator<Uint8Array> {
    yield* body;
    if (clock.monotonicMs() - sinceMs >= limits.judgementMs) await judgeAgain();
  }
  const { lengthBytes } = body;
  return { bytes: judged(), ...(Number.isFinite(lengthBytes) && { lengthBytes }) };
}

function refusalAnswer(error: S3Error, { headers, method }: IncomingMessage, id: string): Answer {
  const { code, status, message, detail } = error;
  const isUnknown =
    code === "AccessDenied" && headers.authorization === undefined && detail["Token"] === undefined;
  const size = detail["ActualObjectSize"];
  const answered = {
    ...(isUnknown && { "WWW-Authenticate": 'Basic realm="quarry"' }),
    ...(code === "InvalidRange" && { "Content-Range": `bytes */${size ?? "*"}` }),
    ...(status === 503 && { "Retry-After": "1" }),
  };
  const text = JSON.stringify({ error: code, message, requestId: id });
  if (method === "HEAD") return { status, headers: answered, body: { kind: "empty" } };
  return { status: isUnknown ? 401 : status, headers: answered, body: { kind: "json", text } };
}
