/** The faces of a store, S3 first: what a gateway process, or the only process, listens with. */
import pino, { type DestinationStream, type Logger } from "pino";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import { createGateway, type GatewayOptions } from "../../gateway/create-gateway.ts";
import { type MoreFaces, type OpenedFace, openMoreFaces } from "./more-faces.ts";

/** Where and as what it serves. */
export interface FaceSettings {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  /** For bucket.domain addresses. */
  readonly domain?: string;
  readonly faces?: MoreFaces;
}

export interface Face {
  /** `http://host:port`, with the real port. */
  readonly url: string;
  /** Those beside S3. */
  readonly more: readonly Pick<OpenedFace, "name" | "url">[];
  /** Answers what is under way, then closes. */
  close(): Promise<void>;
}

/** Addresses of IPv6 stand in brackets. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Lines of JSON that a person can read as they are: levels by name, times as dates. */
export function createLogger(
  level: string,
  role: string,
  destination: DestinationStream = pino.destination(2),
): Logger {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

export async function openFace(
  store: Store,
  settings: FaceSettings,
  logger: Logger,
  metrics: Pick<GatewayOptions, "registry" | "scrape"> = {},
): Promise<Face> {
  const gateway = createGateway({
    store,
    region: settings.region,
    clock: systemClock,
    random: systemRandom,
    logger,
    ...metrics,
    ...(settings.domain !== undefined && { domain: settings.domain }),
  });
  // S3 last: whoever hears there that it is ready finds the others, too.
  const more = await openMoreFaces(store, settings, logger, urlOf);
  const close = async () => {
    await Promise.all([gateway, ...more].map((face) => face.close()));
  };
  try {
    const { port } = await gateway.listen({ host: settings.host, port: settings.port });
    return { url: urlOf(settings.host, port), more, close };
  } catch (error) {
    await close();
    throw error;
  }
}
