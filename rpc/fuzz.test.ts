import { expect, test } from "vitest";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { device, memoryBlocks, pair, request, trustedSocket } from "../test/rpc-pair.ts";
import { encodeHeader } from "./codec.ts";
import { emptyHead, FRAME_BYTES, HAS_PAYLOAD, writeHead } from "./frame.ts";

const random = seededRandom(7);
const below = (n: number) => random.u32() % n;

/** An append as a client sends it: inline, or announced and followed by pieces that no one allowed. */
function append(stream: number, bytes: number): Buffer {
  const data = random.bytes(bytes);
  const header = encodeHeader([request(BigInt(stream), data)]);
  const inline = bytes <= limits.rpcInlineBytes;
  const head = { ...emptyHead(), stream, method: (1 << 8) | 4, flags: HAS_PAYLOAD };
  head.headerBytes = header.length;
  head.payloadBytes = bytes;
  head.deadlineMs = 60_000;
  head.lengthBytes = header.length + (inline ? bytes : 0);
  const first = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(first.buffer), 0, head);
  if (inline) return Buffer.concat([first, header, data]);
  const piece = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(piece.buffer), 0, { ...emptyHead(), kind: 4, stream, lengthBytes: bytes });
  return Buffer.concat([first, header, piece, data]);
}

test("a trusted peer that talks nonsense harms nobody else", async () => {
  await using p = await pair(memoryBlocks());
  assert("path" in p.server.address, "a Unix socket");
  const { path } = p.server.address;
  for (let round = 0; round < 150; round++) {
    const socket = await trustedSocket(path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const bytes = Buffer.concat([append(1, below(200)), append(2, 70_000), append(3, below(9))]);
    for (let flips = below(8); flips > 0; flips--)
      bytes[below(below(2) === 0 ? 300 : bytes.length)] = below(256);
    socket.resume();
    socket.end(bytes.subarray(0, below(4) === 0 ? below(bytes.length) : bytes.length));
    await closed;
  }
  expect(await p.blocks.createBlock({ device, block: 1 as BlockId, generation: 1 })).toBe(
    undefined,
  );
  while (p.server.peers.size > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(p.server.heldBytes).toBe(0);
  for (const error of p.reported) expect(error).toBeInstanceOf(TypeError); // arguments of other types
});
