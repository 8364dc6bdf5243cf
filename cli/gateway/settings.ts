/** What `quarry gateway` was asked to do. */
import type { PeerFlags } from "../peers.ts";
import type { FaceSettings } from "../serve/face.ts";
import { type FaceFlags, facesFrom } from "../serve/more-faces.ts";
import { logLevelFrom, portFrom } from "../serve/settings.ts";

export interface GatewayFlags extends PeerFlags, FaceFlags {
  readonly host: string;
  readonly port: string;
  readonly region: string;
  readonly domain?: string;
  readonly logLevel: string;
}

export interface GatewaySettings extends FaceSettings {
  readonly logLevel: string;
}

export function gatewaySettings(flags: GatewayFlags): GatewaySettings {
  return {
    host: flags.host,
    port: portFrom(flags.port),
    region: flags.region,
    ...(flags.domain !== undefined && { domain: flags.domain }),
    faces: facesFrom(flags),
    logLevel: logLevelFrom(flags.logLevel),
  };
}
