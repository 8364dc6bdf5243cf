/**
 * Tokens against links from elsewhere, as FastDFS makes them: who shows a file to somebody gives its name,
 * the time, and the MD5 of both with a secret between; a gateway that has the secret serves the file for
 * a while after that time.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { limits } from "../../base/limits.ts";

export interface TokenRule {
  readonly secret: string;
  /** How long a token counts from its time on. */
  readonly keptMs: number;
}

/** @param seconds when it was made, since 1970. `name`: as it stands in the URL, with its suffix. */
export function tokenOf(name: string, secret: string, seconds: number): string {
  return createHash("md5").update(`${name}${secret}${seconds}`).digest("hex");
}

/** Why a file is not served, or undefined when it is. */
export function refusalOf(
  rule: TokenRule,
  name: string,
  token: string | undefined,
  ts: string | undefined,
  nowMs: number,
): string | undefined {
  if (token === undefined || ts === undefined)
    return "this file is served only with the parameters token and ts";
  if (!/^\d{1,12}$/.test(ts) || !/^[0-9a-fA-F]{32}$/.test(token))
    return "ts is a time in seconds, token has 32 hexadecimal digits";
  const seconds = Number(ts);
  const right = Buffer.from(tokenOf(name, rule.secret, seconds), "hex");
  if (!timingSafeEqual(right, Buffer.from(token, "hex"))) return "the token is not of this file";
  const agoMs = nowMs - seconds * 1000;
  if (agoMs > rule.keptMs) return "the token has expired";
  return agoMs < -limits.fidTokenAheadMs ? "the token is of a time to come" : undefined;
}
