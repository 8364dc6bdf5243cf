/** What `quarry gateway` was asked to do. */
import type { Address } from "../../rpc/address.ts";
import { nameserversFrom } from "../nameserver/addresses.ts";
import type { FaceSettings } from "../serve/face.ts";
import { logLevelFrom, portFrom } from "../serve/settings.ts";

export interface GatewayFlags {
  readonly host: string;
  readonly port: string;
  readonly nameservers: string;
  readonly secretFile: string;
  readonly region: string;
  readonly domain?: string;
  readonly logLevel: string;
}

export interface GatewaySettings extends FaceSettings {
  readonly nameservers: readonly Address[];
  readonly secretFile: string;
  readonly logLevel: string;
}

export function gatewaySettings(flags: GatewayFlags): GatewaySettings {
  return {
    host: flags.host,
    port: portFrom(flags.port),
    region: flags.region,
    ...(flags.domain !== undefined && { domain: flags.domain }),
    nameservers: nameserversFrom(flags.nameservers),
    secretFile: flags.secretFile,
    logLevel: logLevelFrom(flags.logLevel),
  };
}
