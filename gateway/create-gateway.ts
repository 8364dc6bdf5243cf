/**
 * The S3 endpoint: a fastify server whose router sees only fixed paths, so that nothing but
 * `target.ts` ever reads a bucket or a key out of a URL.
 */
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { Registry } from "prom-client";
import { limits } from "../base/limits.ts";
import { BrokenHttp } from "./broken-http.ts";
import { addClusterMetrics } from "./cluster-metrics.ts";
import { GatewayMetrics } from "./metrics.ts";
import { Pipeline, type PipelineOptions } from "./pipeline.ts";
import { bucketOfHost } from "./target.ts";

export interface GatewayOptions extends PipelineOptions {
  /** Where the numbers of /metrics are kept; shared with other roles of the process. */
  readonly registry?: Registry;
  /** The numbers of all processes, where there are several. Default: of the registry. */
  readonly scrape?: () => Promise<string>;
}

export interface Gateway extends AsyncDisposable {
  readonly fastify: FastifyInstance;
  listen(where: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly port: number }>;
  /** Takes no new connections, answers what is under way, then resolves. */
  close(): Promise<void>;
}

const S3 = "/s3";
const ownPaths = new Set(["/health/live", "/health/ready", "/metrics"]);

/**
 * The gateway's own pages keep their path; everything else is S3's, whatever it looks like. Under a
 * bucket's own host every path is a key.
 */
function fixedPath({ url = "", method, headers }: IncomingMessage, domain?: string): string {
  const own = ownPaths.has(url) && (method === "GET" || method === "HEAD");
  return own && bucketOfHost(headers.host ?? "", domain) === undefined ? url : S3;
}

export function createGateway(options: GatewayOptions): Gateway {
  const metrics = new GatewayMetrics(options.registry ?? new Registry());
  addClusterMetrics(metrics.registry, options.store.names, options.clock);
  const pipeline = new Pipeline(options, metrics);
  const broken = new BrokenHttp(pipeline, options.clock);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: true,
    return503OnClosing: false,
    connectionTimeout: 2 * limits.bodyIdleMs,
    requestTimeout: 0,
    http: {
      maxHeaderSize: limits.requestHeaderBytes,
      joinDuplicateHeaders: true,
      // The pipeline says so itself, with a request id.
      requireHostHeader: false,
    },
    rewriteUrl: (request) => fixedPath(request as IncomingMessage, options.domain),
    clientErrorHandler: (error, socket) => broken.answer(error, socket),
  });
  const serve = (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    const { raw } = request;
    void pipeline.serve(raw, reply.raw, (raw as { originalUrl?: string }).originalUrl ?? "");
  };
  // S3 requests leave fastify's way here, before it would look at their bodies.
  app.addHook("onRequest", (request, reply, next) => {
    if (request.raw.url === S3) serve(request, reply);
    else next();
  });
  app.all(S3, () => undefined);
  addOwnPages(app, options, metrics);
  app.server.maxConnections = limits.connections;
  // Every pipelined request may wait for the end of its connection.
  app.server.on("connection", (socket: Socket) => socket.setMaxListeners(limits.requests));
  // Expectations of other kinds may be ignored (RFC 9110 §10.1.1); Node's own 417 has no request id.
  for (const expectation of ["checkContinue", "checkExpectation"])
    app.server.on(expectation, (request: IncomingMessage, response) => {
      app.server.emit("request", request, response);
    });
  const close = async () => {
    pipeline.drain();
    await app.close();
  };
  return {
    fastify: app,
    async listen({ host, port }) {
      await app.listen({ host, port });
      return { port: (app.server.address() as AddressInfo).port };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function addOwnPages(app: FastifyInstance, options: GatewayOptions, metrics: GatewayMetrics): void {
  app.get("/health/live", () => ({ status: "live" }));
  app.get("/health/ready", async (_, reply) => {
    try {
      await options.store.names.buckets("", "", 1);
      return { status: "ready" };
    } catch (error) {
      options.logger.warn({ err: error }, "not ready");
      return reply.code(503).send({ status: "not ready" });
    }
  });
  app.get("/metrics", async (_, reply) => {
    void reply.type(metrics.registry.contentType);
    return await (options.scrape?.() ?? metrics.registry.metrics());
  });
}
