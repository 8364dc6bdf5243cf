/**
 * The S3 endpoint: an HTTP server whose requests go to the pipeline, but for the gateway's own pages,
 * which are fastify's. So nothing but `target.ts` ever reads a bucket or a key out of a URL.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
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

const isOwnPath = (url: string) =>
  url === "/metrics" || url === "/health/live" || url === "/health/ready";

/**
 * The gateway's own pages keep their path; everything else is S3's, whatever it looks like. Under a
 * bucket's own host every path is a key.
 */
function isOwnPage({ url = "", method, headers }: IncomingMessage, domain?: string): boolean {
  if (!isOwnPath(url) || (method !== "GET" && method !== "HEAD")) return false;
  return bucketOfHost(headers.host ?? "", domain) === undefined;
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
    // S3 requests never enter fastify's way: it costs each of them some microseconds.
    serverFactory: (ownPage) => {
      const server = createServer(
        {
          maxHeaderSize: limits.requestHeaderBytes,
          joinDuplicateHeaders: true,
          // The pipeline says so itself, with a request id.
          requireHostHeader: false,
          keepAliveTimeout: limits.idleConnectionMs,
        },
        (request, response) => {
          if (isOwnPage(request, options.domain)) ownPage(request, response);
          else void pipeline.serve(request, response, request.url ?? "");
        },
      );
      // Set here, as with the options it would take the time limit of heads with it.
      server.requestTimeout = 0;
      server.timeout = 2 * limits.bodyIdleMs;
      return server;
    },
    clientErrorHandler: (error, socket) => broken.answer(error, socket),
  });
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
    await pipeline[Symbol.asyncDispose]();
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
