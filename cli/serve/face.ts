/** The S3 face of a store: what a gateway process, or the only process, listens with. */
import pino, { type Logger } from "pino";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import { createGateway, type GatewayOptions } from "../../gateway/create-gateway.ts";
import { fixedCredentials } from "../../gateway/credentials.ts";
import type { RootCredentials } from "./root-credentials.ts";
import type { ServeSettings } from "./settings.ts";

/** The root user's canonical id, as ACLs and listings show it. */
const ROOT_USER = "0000000000000000000000000000000000000000000000000000000000000001";

export interface Face {
  /** `http://host:port`, with the real port. */
  readonly url: string;
  /** Answers what is under way, then closes. */
  close(): Promise<void>;
}

/** Addresses of IPv6 stand in brackets. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function createLogger(level: string, role: string): Logger {
  return pino({ level, base: { role, pid: process.pid } }, pino.destination(2));
}

export async function openFace(
  store: Store,
  settings: ServeSettings,
  keys: RootCredentials,
  logger: Logger,
  metrics: Pick<GatewayOptions, "registry" | "scrape"> = {},
): Promise<Face> {
  const root = { secretKey: keys.secretKey, userId: ROOT_USER, displayName: "root" };
  const gateway = createGateway({
    store,
    credentials: fixedCredentials(new Map([[keys.accessKey, root]])),
    region: settings.region,
    clock: systemClock,
    random: systemRandom,
    logger,
    ...metrics,
    ...(settings.domain !== undefined && { domain: settings.domain }),
  });
  const { port } = await gateway.listen({ host: settings.host, port: settings.port });
  return { url: urlOf(settings.host, port), close: () => gateway.close() };
}
