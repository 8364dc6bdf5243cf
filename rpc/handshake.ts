/**
 * Peers prove that they know the cluster secret before anything else is read. Four messages of 72
 * bytes: hello (client), challenge (server, with its proof), proof (client), welcome (server).
 *
 * ```
 *  0 4 B  "QRPC"
 *  4 u16  protocol version, little-endian
 *  6 u16  status: 0 goes on, otherwise why the server refuses
 *  8 32 B nonce (hello, challenge), why a certificate is refused (text, status 4), else 0
 * 40 32 B proof (challenge, proof): HMAC-SHA256(secret, role ∥ version ∥ client nonce ∥ server nonce)
 * ```
 *
 * This keeps strangers out; it hides nothing from those who can read the network.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { SOFTWARE_VERSION } from "../base/version.ts";

export const HANDSHAKE_BYTES = 72;
export const PROTOCOL_VERSION = 1;
const MAGIC = Buffer.from("QRPC");
const NONCE_BYTES = 32;

const statuses = { goesOn: 0, version: 1, secret: 2, full: 3, certificate: 4 } as const;
type Status = (typeof statuses)[keyof typeof statuses];

/** The handshake failed; `lastWords`, if any, still go to the peer. */
export class HandshakeError extends QuarryError {
  readonly lastWords: Buffer | undefined;
  constructor(code: ErrorCode, message: string, lastWords?: Buffer) {
    super(code, message);
    this.lastWords = lastWords;
  }
}

/**
 * Yields what to send (perhaps nothing) and is given the peer's next message. Returns when trust is
 * there, perhaps with a last message to send.
 */
export type Handshake = Generator<Buffer | undefined, Buffer | undefined, Buffer>;

const wrongSecret =
  "the cluster secret does not match the peer's: give both the same secret and start again";

export function* clientHandshake(secret: Uint8Array, random: Random): Handshake {
  const nonce = random.bytes(NONCE_BYTES);
  const challenge = yield message(statuses.goesOn, nonce);
  checkMagic(challenge);
  checkStatus(challenge);
  if (versionOf(challenge) !== PROTOCOL_VERSION) throw wrongVersion(challenge);
  const serverNonce = nonceOf(challenge);
  if (!timingSafeEqual(proofOf(challenge), prove(secret, "server", nonce, serverNonce)))
    throw new HandshakeError("Protocol", wrongSecret);
  const proof = prove(secret, "client", nonce, serverNonce);
  const welcome = yield message(statuses.goesOn, undefined, proof);
  checkMagic(welcome);
  checkStatus(welcome);
  return undefined;
}

/**
 * Why a server takes no connection, whoever it is from: it has as many as it takes, or the peer's
 * certificate is not good, and why.
 */
export type Refusal = "full" | { readonly certificate: string };

export function* serverHandshake(secret: Uint8Array, random: Random, refusal?: Refusal): Handshake {
  const hello = yield undefined;
  checkMagic(hello);
  if (versionOf(hello) !== PROTOCOL_VERSION) throw wrongVersion(hello, message(statuses.version));
  if (refusal === "full")
    throw new HandshakeError("Busy", "this server has no room", message(statuses.full));
  if (refusal !== undefined) {
    const reason = Buffer.alloc(NONCE_BYTES);
    reason.write(refusal.certificate, "latin1");
    const words = message(statuses.certificate, reason);
    throw new HandshakeError("Protocol", "the peer's certificate is not good", words);
  }
  const nonce = random.bytes(NONCE_BYTES);
  const clientNonce = nonceOf(hello);
  const own = prove(secret, "server", clientNonce, nonce);
  const proof = yield message(statuses.goesOn, nonce, own);
  checkMagic(proof);
  if (!timingSafeEqual(proofOf(proof), prove(secret, "client", clientNonce, nonce)))
    throw new HandshakeError("Protocol", wrongSecret, message(statuses.secret));
  return message(statuses.goesOn);
}

function message(status: Status, nonce?: Uint8Array, proof?: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES);
  bytes.set(MAGIC);
  bytes.writeUInt16LE(PROTOCOL_VERSION, 4);
  bytes.writeUInt16LE(status, 6);
  if (nonce !== undefined) bytes.set(nonce, 8);
  if (proof !== undefined) bytes.set(proof, 40);
  return bytes;
}

const versionOf = (bytes: Buffer) => bytes.readUInt16LE(4);
const nonceOf = (bytes: Buffer) => bytes.subarray(8, 40);
const proofOf = (bytes: Buffer) => bytes.subarray(40, HANDSHAKE_BYTES);

function prove(
  secret: Uint8Array,
  role: "client" | "server",
  clientNonce: Uint8Array,
  serverNonce: Uint8Array,
): Buffer {
  return createHmac("sha256", secret)
    .update(`quarry-rpc ${role} ${PROTOCOL_VERSION}\n`)
    .update(clientNonce)
    .update(serverNonce)
    .digest();
}

function checkMagic(bytes: Buffer): void {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new HandshakeError(
      "Protocol",
      "the peer does not speak Quarry's protocol: check address and port",
    );
}

function checkStatus(bytes: Buffer): void {
  switch (bytes.readUInt16LE(6)) {
    case statuses.goesOn:
      return;
    case statuses.version:
      throw wrongVersion(bytes);
    case statuses.secret:
      throw new HandshakeError("Protocol", wrongSecret);
    case statuses.certificate:
      throw new HandshakeError(
        "Protocol",
        `the server does not accept this process's certificate (${reasonIn(bytes)}): is it expired, or signed by an authority that the server does not believe?`,
      );
    case statuses.full:
      throw new HandshakeError("Busy", "the server has as many connections as it takes");
    default:
      throw new HandshakeError("Protocol", "the server refused the connection");
  }
}

function reasonIn(bytes: Buffer): string {
  return nonceOf(bytes)
    .toString("latin1")
    .replaceAll(/[^A-Z_]/g, "");
}

function wrongVersion(bytes: Buffer, lastWords?: Buffer): HandshakeError {
  const theirs = versionOf(bytes);
  const tooOld = theirs < PROTOCOL_VERSION ? "the peer" : "this process";
  return new HandshakeError(
    "Protocol",
    `the peer speaks version ${theirs} of the protocol, this process (Quarry ${SOFTWARE_VERSION}) version ${PROTOCOL_VERSION}: ${tooOld} is too old, update it`,
    lastWords,
  );
}
