/** Builds the native fid face on fastify: an HTTP API in the manner of nginx-tfs (docs/faces.md). */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { limits } from "../../base/limits.ts";
import { FidPipeline, type FidPipelineOptions } from "./pipeline.ts";

export interface FidGateway extends AsyncDisposable {
  listen(where: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly port: number }>;
  /** Takes no new connections, answers what is under way, then resolves. */
  close(): Promise<void>;
}

const FILES = "/files";
const LIVE = "/health/live";

export function createFidGateway(options: FidPipelineOptions): FidGateway {
  const pipeline = new FidPipeline(options);
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    connectionTimeout: 2 * limits.bodyIdleMs,
    requestTimeout: 0,
    http: { maxHeaderSize: limits.requestHeaderBytes, joinDuplicateHeaders: true },
    rewriteUrl: ({ url }) => (url === LIVE ? LIVE : FILES),
  });
  // Requests leave fastify's way here, before it would look at their bodies.
  app.addHook("onRequest", (request, reply, next) => {
    const raw = request.raw as IncomingMessage & { originalUrl?: string };
    if (raw.url !== FILES) {
      next();
      return;
    }
    reply.hijack();
    void pipeline.serve(raw, reply.raw, raw.originalUrl ?? "");
  });
  app.all(FILES, () => undefined);
  app.get(LIVE, () => ({ status: "live" }));
  app.server.maxConnections = limits.connections;
  app.server.on("connection", (socket) => socket.setMaxListeners(limits.requests));
  const close = async () => {
    pipeline.drain();
    await app.close();
  };
  return {
    async listen({ host, port }) {
      await options.store.fids.prepare();
      await app.listen({ host, port });
      return { port: (app.server.address() as AddressInfo).port };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
