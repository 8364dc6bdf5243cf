/** The handlers that docs/faces.md shows work as they stand there: uploads, downloads, ranges for video. */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fastify } from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import { memoryStore } from "../memory-store.ts";

const docs = await readFile(resolve(join(import.meta.dirname, "../../docs/faces.md")), "utf8");

const shown = (name: string) =>
  new RegExp(`^\`\`\`js ${name}\\n(.*?)^\`\`\`$`, "ms").exec(docs)?.[1] ?? "";

/** Gives routes to an app. */
function install(name: string, app: unknown, bucket: GridFSBucket): void {
  const code = `${shown("range")}\n${shown(name)}`;
  const run = new Function("app", "bucket", "pipeline", code) as (...given: unknown[]) => void;
  run(app, bucket, pipeline);
}

type Asked = IncomingMessage & { params?: { name: string } };
type Handler = (request: Asked, response: ServerResponse) => Promise<unknown>;

/** As much of Express as a handler with one parameter needs: it hands on Node's own request and response. */
function expressLike() {
  const routes = new Map<string, Handler>();
  const server = createServer(async (request: Asked, response) => {
    request.params = { name: decodeURIComponent(request.url?.split("/").at(-1) ?? "") };
    await routes.get(request.method ?? "")?.(request, response);
  });
  return {
    get: (_: string, handler: Handler) => routes.set("GET", handler),
    post: (_: string, handler: Handler) => routes.set("POST", handler),
    server,
  };
}

async function listening(kind: string, bucket: GridFSBucket): Promise<string> {
  if (kind === "fastify") {
    const app = fastify();
    install(kind, app, bucket);
    onTestFinished(() => app.close());
    return await app.listen({ host: "127.0.0.1", port: 0 });
  }
  const app = expressLike();
  install(kind, app, bucket);
  await new Promise<void>((ready) => app.server.listen(0, "127.0.0.1", () => ready()));
  onTestFinished(() => {
    app.server.closeAllConnections();
    app.server.close();
  });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

test.each(["express", "fastify"])("those for %s", async (kind) => {
  const store = await memoryStore();
  onTestFinished(() => store[Symbol.asyncDispose]());
  const bucket = new GridFSBucket(store, { bucketName: "videos", chunkSizeBytes: 100_000 });
  const url = `${await listening(kind, bucket)}/videos/a%20film.mp4`;
  expect((await fetch(url)).status).toBe(404);
  const film = Buffer.alloc(1_000_000);
  for (let i = 0; i < film.length; i += 4) film.writeUInt32LE(i, i);
  for (const body of [Buffer.from("the first cut"), film]) {
    const headers = { "content-type": "video/mp4" };
    const stored = await fetch(url, { method: "POST", headers, body: new Uint8Array(body) });
    expect(stored.status).toBe(201);
    expect(await stored.json()).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{24}$/) as string, length: body.length },
    });
  }
  const whole = await fetch(url);
  expect([whole.status, whole.headers.get("content-type")]).toEqual([200, "video/mp4"]);
  expect(Buffer.from(await whole.arrayBuffer()).equals(film)).toBe(true);
  for (const [asked, start, end] of [
    ["bytes=0-0", 0, 1],
    ["bytes=99999-100000", 99_999, 100_001],
    ["bytes=999990-", 999_990, 1_000_000],
    ["bytes=-10", 999_990, 1_000_000],
    ["bytes=500000-9999999", 500_000, 1_000_000],
  ] as const) {
    const part = await fetch(url, { headers: { range: asked } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/1000000`);
    expect(Buffer.from(await part.arrayBuffer()).equals(film.subarray(start, end))).toBe(true);
  }
  const behind = await fetch(url, { headers: { range: "bytes=1000000-" } });
  expect([behind.status, behind.headers.get("content-range")]).toEqual([416, "bytes */1000000"]);
});
