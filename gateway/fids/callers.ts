/**
 * Who calls, by HTTP's Basic authentication: an access key and its secret key. What the nameservers say of
 * a key is remembered, so that who was known can store while none of them answers.
 */
import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import { Remembered } from "../../client/fids/remembered.ts";
import type { Access, NameService } from "../../rpc/name-service.ts";
import { anonymous, type Identity } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";

export class Callers {
  readonly #known: Remembered<string, Access["user"]>;

  constructor(names: Pick<NameService, "access">, clock: Clock) {
    this.#known = new Remembered({
      clock,
      ask: async (accessKey: string) => (await names.access({ accessKey })).user,
      freshMs: limits.judgementMs,
      keptMs: limits.fidAppKeptAloneMs,
      most: limits.fidKeys,
    });
  }

  /** @throws S3Error when the key is not known or the secret is not its own. */
  async identify(authorization: string | undefined): Promise<Identity> {
    if (authorization === undefined) return anonymous;
    const [, encoded] = /^basic ([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
    const [, accessKey = "", secret = ""] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? "", "base64").toString("utf8")) ?? [];
    if (accessKey === "")
      throw new S3Error(
        "AuthorizationHeaderMalformed",
        "Say who you are with Basic authentication: access key and secret key.",
      );
    const user = await this.#known.of(accessKey);
    if (user === undefined || !isSame(user.secretKey, secret))
      throw new S3Error("InvalidAccessKeyId", "The access key or its secret key is not right.");
    return { id: user.id, displayName: user.displayName };
  }
}

function isSame(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
