import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { RequestBody, WaitingBytes } from "./request-body.ts";

const PIECE_BYTES = 16 * 1024;
const PIECES = 64;
const BODIES = 50;
const MOST_BYTES = 10 * PIECE_BYTES;

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Bodies of 1 MiB that come as fast as they are taken; `taken` counts their bytes. */
function bodies(count: number) {
  const all = new WaitingBytes(MOST_BYTES);
  const taken = { bytes: 0 };
  const one = () => {
    let pieces = 0;
    const request = new Readable({
      highWaterMark: 1,
      read() {
        taken.bytes += pieces < PIECES ? PIECE_BYTES : 0;
        this.push(pieces++ < PIECES ? Buffer.alloc(PIECE_BYTES, "x") : null);
      },
    });
    const headers = { "content-length": String(PIECES * PIECE_BYTES) };
    const incoming = Object.assign(request, { headers }) as unknown as IncomingMessage;
    return new RequestBody(incoming, {} as ServerResponse, new SimulatedClock(), all);
  };
  return { all, taken, bodies: Array.from({ length: count }, one) };
}

test("of many bodies that nobody goes on to read little waits, and all come whole", async () => {
  const { all, taken, bodies: many } = bodies(BODIES);
  await Promise.all(many.map((body) => body.next()));
  for (let turn = 0; turn < 200; turn++) await settle();
  // The one that was read, one that waits, one in the stream itself.
  expect(taken.bytes).toBeLessThanOrEqual(MOST_BYTES + 3 * BODIES * PIECE_BYTES);
  expect(all.isMuch).toBe(true);
  const rests = many.map(async (body) => {
    let bytes = PIECE_BYTES;
    for await (const piece of body) bytes += piece.length;
    return bytes;
  });
  expect(new Set(await Promise.all(rests))).toEqual(new Set([PIECES * PIECE_BYTES]));
  expect(all.isMuch).toBe(false);
});

test("what waited of a body that is given up counts no more", async () => {
  const { all, bodies: many } = bodies(BODIES);
  await Promise.all(many.map((body) => body.next()));
  for (let turn = 0; turn < 200; turn++) await settle();
  expect(all.isMuch).toBe(true);
  for (const body of many) await body.return();
  expect(all.isMuch).toBe(false);
});

test("of a body whose request is answered nothing waits, whatever comes yet, and nobody reads its end", async () => {
  const { all, bodies: many } = bodies(BODIES);
  await Promise.all(many.map((body) => body.next()));
  for (const body of many) body.close();
  for (let turn = 0; turn < 200; turn++) await settle();
  expect(all.isMuch).toBe(false);
  for (const body of many) await expect(body.next()).rejects.toMatchObject({ code: "Cancelled" });
});

test("a body that is here whole is taken without a listener, and of another the rest is awaited", async () => {
  const text = "all of it, ".repeat(20);
  for (const here of [0, 1, text.length - 1, text.length]) {
    const request = new Readable({ read: () => undefined });
    const headers = { "content-length": String(text.length) };
    const incoming = Object.assign(request, { headers }) as unknown as IncomingMessage;
    const body = new RequestBody(incoming, {} as ServerResponse, new SimulatedClock());
    if (here > 0) request.push(text.slice(0, here));
    const whole = body.whole();
    const isWhole = here === text.length;
    expect(request.listenerCount("data")).toBe(isWhole ? 0 : 1);
    if (!isWhole) request.push(text.slice(here));
    expect(Buffer.from(await whole).toString()).toBe(text);
    expect(body.receivedBytes).toBe(text.length);
    expect(body.pending).toBe(false);
  }
});

test.each([1, 4096, 65_535, 65_536])(
  "a body of %i bytes that came in pieces while nobody took it is all there",
  async (lengthBytes) => {
    const content = Buffer.alloc(lengthBytes, "no two neighbours alike");
    const taken = Promise.withResolvers<Uint8Array>();
    const server = createServer(async (request, response) => {
      const body = new RequestBody(request, response, new SimulatedClock());
      // As of one that is judged first.
      while (request.readableLength < lengthBytes) await settle();
      taken.resolve(await body.whole());
      response.end();
    });
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const headers = { "content-length": lengthBytes };
    const sent = httpRequest({ port, host: "127.0.0.1", method: "PUT", headers, agent: false });
    sent.end(content);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    expect(content.equals(await taken.promise)).toBe(true);
  },
);

test.each(["next", "whole"] as const)(
  "who waits in `%s` when the request is answered hears so at once",
  async (how) => {
    const request = new Readable({ read: () => undefined });
    const incoming = Object.assign(request, { headers: { "content-length": "9" } });
    const body = new RequestBody(
      incoming as unknown as IncomingMessage,
      {} as ServerResponse,
      new SimulatedClock(),
    );
    const waiting = expect(body[how]()).rejects.toMatchObject({ code: "Cancelled" });
    body.close();
    await waiting;
  },
);
