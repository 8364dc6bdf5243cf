import { expect, test } from "vitest";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { appendFrames, device, memoryBlocks, pair, trustedSocket } from "../test/rpc-pair.ts";

const random = seededRandom(7);
const below = (n: number) => random.u32() % n;

const someAppend = (stream: number, bytes: number) => appendFrames(stream, random.bytes(bytes));

test("a trusted peer that talks nonsense harms nobody else", async () => {
  await using p = await pair(memoryBlocks());
  assert("path" in p.server.address, "a Unix socket");
  const { path } = p.server.address;
  for (let round = 0; round < 150; round++) {
    const socket = await trustedSocket(path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const bytes = Buffer.concat([
      someAppend(1, below(200)),
      someAppend(2, 70_000),
      someAppend(3, below(9)),
    ]);
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
