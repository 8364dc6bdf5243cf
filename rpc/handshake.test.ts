import { expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import {
  clientHandshake,
  HANDSHAKE_BYTES,
  PROTOCOL_VERSION,
  serverHandshake,
} from "./handshake.ts";

const secret = Buffer.alloc(32, 7);

function hello(version: number): Buffer {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES);
  bytes.write("QRPC");
  bytes.writeUInt16LE(version, 4);
  return bytes;
}

test.each([
  [PROTOCOL_VERSION + 1, "this process is too old, update it"],
  [PROTOCOL_VERSION - 1, "the peer is too old, update it"],
])("version %d of the protocol: who is too old is said, on both sides", (version, words) => {
  const server = serverHandshake(secret, seededRandom(1));
  server.next();
  expect(() => server.next(hello(version))).toThrow(words);
  const client = clientHandshake(secret, seededRandom(1));
  client.next();
  const refusal = hello(version);
  refusal.writeUInt16LE(1, 6);
  expect(() => client.next(refusal)).toThrow(words);
});
