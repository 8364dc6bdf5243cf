/**
 * A face that answers in JSON and bytes: what its requests have in common. Each is run; what it throws
 * becomes a refusal with a code, and what was begun and cannot go on is cut short.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import type { Logger } from "pino";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Body } from "../client/store.ts";
import type { Answer } from "./answer.ts";
import { Exchange, type GatewayState } from "./exchange.ts";
import { RefusalLog } from "./refusal-log.ts";
import { asS3Error, S3Error } from "./s3/errors.ts";
import { sendAnswer } from "./send.ts";

export interface JsonFaceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** In the log. */
  readonly name: string;
  /** Answers one request; `url` is the target as it was sent. */
  readonly run: (exchange: Exchange, url: string) => Promise<Answer>;
}

export interface OpenedJsonFace extends AsyncDisposable {
  listen(where: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly port: number }>;
  /** Takes no new connections, answers what is under way, then resolves. */
  close(): Promise<void>;
}

class Requests implements GatewayState {
  readonly #options: JsonFaceOptions;
  readonly #log: RefusalLog;
  readonly hostId = "";
  readonly region = "";
  closing = false;
  #inFlight = 0;

  constructor(options: JsonFaceOptions) {
    this.#options = options;
    this.#log = new RefusalLog(options.logger, options.clock);
  }

  /** Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const { clock, random, run } = this.#options;
    const id = random.bytes(8).toString("hex");
    const exchange = new Exchange(request, response, id, this, clock);
    exchange.path = url.replace(/\?.*/s, "");
    this.#inFlight++;
    try {
      if (this.#inFlight > limits.requests) throw new S3Error("SlowDown");
      await sendAnswer(exchange, await run(exchange, url));
    } catch (error) {
      await this.#refuse(exchange, error);
    } finally {
      exchange.body.close();
      this.#inFlight--;
    }
  }

  async #refuse(exchange: Exchange, error: unknown): Promise<void> {
    const { requestId, request, response, path, gone } = exchange;
    if (gone) {
      response.destroy();
      return;
    }
    const told = asS3Error(error);
    this.#log.refused({ requestId, verb: this.#options.name, path }, told, error);
    if (response.headersSent) {
      // The answer cannot be taken back: cutting it short is the only way to say that it is wrong.
      response.destroy();
      return;
    }
    try {
      await sendAnswer(exchange, refusalAnswer(told, request, requestId));
    } catch (second) {
      this.#options.logger.debug({ requestId, err: second }, "the refusal could not be told");
      response.destroy();
    }
  }
}

/** A caller who did not say who it is learns that it may; a token that was refused is another thing. */
function refusalAnswer(error: S3Error, { headers, method }: IncomingMessage, id: string): Answer {
  const { code, status, message, detail } = error;
  const asks =
    code === "AccessDenied" && headers.authorization === undefined && detail["Token"] === undefined;
  const answered = {
    ...(asks && { "WWW-Authenticate": 'Basic realm="quarry"' }),
    ...(code === "InvalidRange" && {
      "Content-Range": `bytes */${detail["ActualObjectSize"] ?? "*"}`,
    }),
    ...(status === 503 && { "Retry-After": "1" }),
  };
  const told = asks ? 401 : status;
  if (method === "HEAD") return { status: told, headers: answered, body: { kind: "empty" } };
  const text = JSON.stringify({ error: code, message, requestId: id });
  return { status: told, headers: answered, body: { kind: "json", text } };
}

const FACE = "/face";
const LIVE = "/health/live";

export function openJsonFace(options: JsonFaceOptions): OpenedJsonFace {
  const requests = new Requests(options);
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    connectionTimeout: 2 * limits.bodyIdleMs,
    requestTimeout: 0,
    http: { maxHeaderSize: limits.requestHeaderBytes, joinDuplicateHeaders: true },
    rewriteUrl: ({ url }) => (url === LIVE ? LIVE : FACE),
  });
  // Requests leave fastify's way here, before it would look at their bodies.
  app.addHook("onRequest", (request, reply, next) => {
    const raw = request.raw as IncomingMessage & { originalUrl?: string };
    if (raw.url !== FACE) {
      next();
      return;
    }
    reply.hijack();
    void requests.serve(raw, reply.raw, raw.originalUrl ?? "");
  });
  app.all(FACE, () => undefined);
  app.get(LIVE, () => ({ status: "live" }));
  app.server.maxConnections = limits.connections;
  app.server.on("connection", (socket) => socket.setMaxListeners(limits.requests));
  const close = async () => {
    requests.closing = true;
    await app.close();
  };
  return {
    async listen({ host, port }) {
      await app.listen({ host, port });
      return { port: (app.server.address() as AddressInfo).port };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What took long, as the bytes of a slow sender do, is judged again before it counts. */
export function judgedBody({ body, clock }: Exchange, judgeAgain: () => Promise<unknown>): Body {
  const sinceMs = clock.monotonicMs();
  async function* judged(): AsyncGenerator<Uint8Array> {
    yield* body;
    if (clock.monotonicMs() - sinceMs >= limits.judgementMs) await judgeAgain();
  }
  const { lengthBytes } = body;
  return { bytes: judged(), ...(Number.isFinite(lengthBytes) && { lengthBytes }) };
}
