/**
 * Certificates for tests, made on the spot: X.509 as DER, signed with ECDSA P-256. Node can read
 * certificates but not sign them, and a machine may lack openssl.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Certificates } from "../rpc/tls.ts";

const DAY_MS = 24 * 3_600_000;

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const id = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const critical = der(0x01, Buffer.from([0xff]));

const ECDSA_WITH_SHA256 = sequence(id("2a8648ce3d040302"));
const nameOf = (name: string) =>
  sequence(der(0x31, sequence(id("550403"), der(0x0c, Buffer.from(name)))));
const time = (ms: number) =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`));

let serial = 1;

interface Wanted {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly fromMs: number;
  readonly untilMs: number;
}

function certificate(wanted: Wanted): string {
  const { subject, issuer, publicKey, signer, extensions, fromMs, untilMs } = wanted;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1, serial >> 8, serial++ & 255])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(time(fromMs), time(untilMs)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, signer));
  const text = sequence(body, ECDSA_WITH_SHA256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

export interface LeafOptions {
  readonly hosts?: readonly string[];
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** An authority that signs certificates for names and IPv4 addresses. */
export class TestAuthority {
  readonly #name: string;
  readonly #keys = newKeys();
  readonly pem: string;

  constructor(name = "Quarry test authority") {
    this.#name = name;
    const isAuthority = sequence(id("551d13"), critical, octets(sequence(critical)));
    this.pem = certificate({
      ...{ subject: name, issuer: name, extensions: [isAuthority] },
      publicKey: this.#keys.publicKey,
      signer: this.#keys.privateKey,
      fromMs: Date.now() - DAY_MS,
      untilMs: Date.now() + DAY_MS,
    });
  }

  issue(options: LeafOptions = {}): Certificates {
    const { hosts = ["127.0.0.1", "localhost"] } = options;
    const { publicKey, privateKey } = newKeys();
    const names = hosts.map((host) =>
      /^[\d.]+$/.test(host)
        ? der(0x87, Buffer.from(host.split(".").map(Number)))
        : der(0x82, Buffer.from(host)),
    );
    const cert = certificate({
      ...{ subject: hosts[0] ?? "nobody", issuer: this.#name, publicKey },
      signer: this.#keys.privateKey,
      extensions: [sequence(id("551d11"), octets(sequence(...names)))],
      fromMs: options.fromMs ?? Date.now() - DAY_MS,
      untilMs: options.untilMs ?? Date.now() + DAY_MS,
    });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    return { cert, key, ca: this.pem };
  }
}
