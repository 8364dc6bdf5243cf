/** examples/video-server.ts, as players ask it. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { type EmbeddedStore, openStore } from "../../client/open-store.ts";
import { videoServer } from "../../examples/video-server.ts";

let directory = "";
let store: EmbeddedStore;
let server: FastifyInstance;
let address = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-videos-"));
  store = await openStore(directory);
  server = videoServer(store.streams("videos"));
  address = await server.listen({ port: 0, host: "127.0.0.1" });
});
afterAll(async () => {
  await server.close();
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const film = seededRandom(1).bytes(9_000_000);
const put = (name: string, body: Buffer) =>
  fetch(`${address}/videos/${name}`, {
    ...{ method: "PUT", body: new Uint8Array(body), headers: { "content-type": "video/webm" } },
  });
const ask = (headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${address}/videos/film.webm`, { method, headers });
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

test("a film is seeked in", async () => {
  expect((await put("film.webm", film)).status).toBe(201);
  const whole = await ask();
  expect(whole.status).toBe(200);
  expect(whole.headers.get("content-type")).toBe("video/webm");
  expect((await bytesOf(whole)).equals(film)).toBe(true);
  for (const [range, start, end] of [
    ["bytes=0-0", 0, 1],
    ["bytes=4194303-4194304", 4_194_303, 4_194_305],
    ["bytes=8999990-", 8_999_990, 9_000_000],
    ["bytes=-5", 8_999_995, 9_000_000],
    ["bytes=1000000-99000000", 1_000_000, 9_000_000],
  ] as const) {
    const part = await ask({ range });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/9000000`);
    expect((await bytesOf(part)).equals(film.subarray(start, end))).toBe(true);
  }
  expect((await ask({ range: "bytes=9000000-" })).status).toBe(416);
  const head = await ask({}, "HEAD");
  expect(head.headers.get("content-length")).toBe("9000000");
  expect(await (await fetch(address)).text()).toContain('src="/videos/film.webm"');
});

test("a new revision does not mix with the old one, and what breaks off is none", async () => {
  const etag = (await ask({}, "HEAD")).headers.get("etag") ?? "";
  await put("film.webm", Buffer.from("new"));
  const range = "bytes=1-1";
  expect((await ask({ range, "if-range": etag })).status).toBe(200);
  expect(await (await ask({ range })).text()).toBe("e");
  const sender = connect((server.server.address() as AddressInfo).port, "127.0.0.1");
  sender.write("PUT /videos/film.webm HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nonly");
  await once(server.server, "request");
  sender.destroy();
  await once(sender, "close");
  expect(await (await ask()).text()).toBe("new");
  const gone = await fetch(`${address}/videos/film.webm`, { method: "DELETE" });
  expect(gone.status).toBe(204);
  expect((await ask()).status).toBe(404);
});
