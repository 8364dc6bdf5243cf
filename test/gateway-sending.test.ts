/** Large objects on their way to clients: what is read for them, and what becomes of its memory. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { headText, runGateway } from "./gateway-running.ts";
import { sha256 } from "./sign-request.ts";
import { watchedStore } from "./watched-store.ts";

/** However busy the machine is. */
const SOON = { timeout: 30_000 };

const MiB = 2 ** 20;
const content = Buffer.alloc(32 * MiB, "no two neighbours are alike; ");

test.each([undefined, "bytes=65530-1200000"])("reading %s goes to its end", async (range) => {
  const { store, seen } = await watchedStore(content);
  await using running = await runGateway(store);
  const headers = range === undefined ? {} : { range };
  const signed = running.sign("GET", "/bucket/big", headers, sha256(""));
  const answer = await fetch(`${running.endpoint}/bucket/big`, { headers: signed.headers });
  const body = Buffer.from(await answer.arrayBuffer());
  const expected = range === undefined ? content : content.subarray(65_530, 1_200_001);
  expect(body.equals(expected)).toBe(true);
  await expect.poll(() => seen.ended, SOON).toBe(1);
});

test("for a client that takes nothing no more is read than fits on the way", async () => {
  const { store, seen } = await watchedStore(content);
  await using running = await runGateway(store);
  const signed = running.sign("GET", "/bucket/big", { connection: "close" }, sha256(""));
  const socket = connect(running.port, "127.0.0.1");
  socket.pause();
  socket.write(headText("GET", "/bucket/big", signed.headers));
  let before = -1;
  const rests = () => {
    const isSame = seen.givenBytes > 0 && seen.givenBytes === before;
    before = seen.givenBytes;
    return isSame;
  };
  await expect.poll(rests, { interval: 200, timeout: 20_000 }).toBe(true);
  expect(seen.givenBytes).toBeLessThan(content.length);
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
  const answer = Buffer.concat(parts);
  const body = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
  expect(body.equals(content)).toBe(true);
});
