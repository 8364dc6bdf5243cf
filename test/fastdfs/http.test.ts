/** FastDFS ids over HTTP: every verb, who may use it, tokens, ranges, and what is said of errors. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import { createFastdfsHttp } from "../../gateway/fastdfs/http.ts";
import { establishGroups } from "../../gateway/fastdfs/open-ports.ts";
import type { OpenedJsonFace } from "../../gateway/json-face.ts";
import { addUser, memoryStore } from "../memory-store.ts";

const random = seededRandom(3);
const secret = "between us";
let store: Store;
let open: OpenedJsonFace;
let guarded: OpenedJsonFace;
let base: string;
let guardedBase: string;

const users = {
  ada: { accessKey: "ada-key", secretKey: "ada-secret" },
  eve: { accessKey: "eve-key", secretKey: "eve-secret" },
};

beforeAll(async () => {
  store = await memoryStore();
  for (const id of ["ada", "eve"] as const)
    await addUser(store, { id, displayName: id }, users[id]);
  const groups = ["group1"];
  await establishGroups(store, groups, "ada");
  await store.names.execute({ type: "createBucket", bucket: "private", owner: "ada" });
  const logger = pino({ level: "silent" });
  const shared = { store, clock: systemClock, random: systemRandom, logger, groups };
  open = createFastdfsHttp({ ...shared, advertise: "10.1.2.3" });
  guarded = createFastdfsHttp({ ...shared, tokens: { secret, keptMs: 60_000 } });
  base = `http://127.0.0.1:${(await open.listen({ host: "127.0.0.1", port: 0 })).port}`;
  guardedBase = `http://127.0.0.1:${(await guarded.listen({ host: "127.0.0.1", port: 0 })).port}`;
});
afterAll(async () => {
  await open?.close();
  await guarded?.close();
  await store?.[Symbol.asyncDispose]();
});

interface Wish {
  readonly as?: keyof typeof users | "nobody";
  readonly body?: Uint8Array | string;
  readonly headers?: Record<string, string>;
  readonly at?: string;
}

async function ask(method: string, path: string, wish: Wish = {}) {
  const { as = "ada", body, headers, at = base } = wish;
  const user = as === "nobody" ? undefined : users[as];
  const basic = user && Buffer.from(`${user.accessKey}:${user.secretKey}`).toString("base64");
  const response = await fetch(at + path, {
    method,
    headers: { ...headers, ...(basic !== undefined && { authorization: `Basic ${basic}` }) },
    ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> | string }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const json = () => JSON.parse(bytes.toString()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, bytes, json };
}

async function stored(bytes: Uint8Array, query = "?ext=jpg"): Promise<string> {
  const { status, json, headers } = await ask("POST", `/group1${query}`, { body: bytes });
  const { id } = json();
  expect([status, headers.get("location")]).toEqual([201, `/${String(id)}`]);
  return `/${String(id)}`;
}

describe("files", () => {
  test("are stored, read, told of and removed", async () => {
    const bytes = random.bytes(5_000_000);
    const path = await stored(bytes);
    expect(path).toMatch(/^\/group1\/M00\/[0-9A-F]{2}\/[0-9A-F]{2}\/[A-Za-z0-9_-]{30}\.jpg$/);
    const read = await ask("GET", path, { as: "nobody" });
    expect(read.status).toBe(200);
    expect(read.bytes.equals(bytes)).toBe(true);
    const md5 = createHash("md5").update(bytes).digest("hex");
    expect(Object.fromEntries(read.headers)).toMatchObject({
      ...{ "content-type": "image/jpeg", etag: `"${md5}"`, "content-length": "5000000" },
    });
    expect((await ask("GET", `${path}?info`)).json()).toMatchObject({
      ...{ id: path.slice(1), type: "normal", lengthBytes: 5_000_000, source: "10.1.2.3" },
      crc32: crc32(bytes),
    });
    const head = await ask("HEAD", path);
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5000000"]);
    const same = await ask("GET", path, { headers: { "if-none-match": `"${md5}"` } });
    expect(same.status).toBe(304);
    expect((await ask("DELETE", path)).status).toBe(204);
    expect((await ask("GET", path)).status).toBe(404);
    expect((await ask("DELETE", path)).status).toBe(404);
  });

  test("are read from anywhere to anywhere", async () => {
    const bytes = random.bytes(10_000);
    const path = await stored(bytes);
    const part = await ask("GET", path, { headers: { range: "bytes=100-199" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 100-199/10000"]);
    expect(part.bytes.equals(bytes.subarray(100, 200))).toBe(true);
    const tail = await ask("GET", path, { headers: { range: "bytes=-50" } });
    expect(tail.bytes.equals(bytes.subarray(9950))).toBe(true);
    const by = await ask("GET", `${path}?offset=9000&bytes=5000`);
    expect([by.status, by.bytes.equals(bytes.subarray(9000))]).toEqual([200, true]);
    const beyond = await ask("GET", path, { headers: { range: "bytes=10000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10000"]);
    expect((await ask("GET", `${path}?offset=x`)).status).toBe(400);
  });

  test("have slaves", async () => {
    const master = await stored(random.bytes(10), "?ext=png");
    const small = random.bytes(5);
    const path = `${master}?slave=_small&ext=png`;
    const { status, json } = await ask("POST", path, { body: small });
    expect([status, json()["id"]]).toEqual([201, master.slice(1).replace(".png", "_small.png")]);
    expect((await ask("POST", path, { body: small })).status).toBe(412);
    expect((await ask("POST", master, { body: small })).status).toBe(400);
    const told = await ask("GET", `/${String(json()["id"])}?info`);
    expect(told.json()).toMatchObject({ type: "slave", lengthBytes: 5, crc32: crc32(small) });
  });

  test("that are appenders are appended to, overwritten, cut off, and made normal", async () => {
    const path = await stored(Buffer.from("0123456789"), "?ext=log&appender");
    const patch = async (query: string, body?: string) =>
      (await ask("PATCH", path + query, body === undefined ? {} : { body })).status;
    expect(await patch("", "abcdef")).toBe(204);
    expect(await patch("?offset=2", "XY")).toBe(204);
    expect(await patch("?offset=14", "end!")).toBe(204);
    expect(await patch("?truncate=17")).toBe(204);
    expect((await ask("GET", path)).bytes.toString()).toBe("01XY456789abcdend");
    expect((await ask("GET", `${path}?info`)).json()).toMatchObject({
      ...{ type: "appender", lengthBytes: 17, crc32: crc32("01XY456789abcdend") },
    });
    expect(await patch("?offset=99", "x")).toBe(400);
    expect(await patch("?truncate=99")).toBe(400);
    const { status, json } = await ask("POST", `${path}?regenerate`);
    expect(status).toBe(201);
    expect((await ask("GET", path)).status).toBe(404);
    const normal = `/${String(json()["id"])}`;
    expect((await ask("GET", normal)).bytes.toString()).toBe("01XY456789abcdend");
    expect((await ask("PATCH", normal, { body: "x" })).status).toBe(400);
  });

  test("of other faces are read whatever their content type says", async () => {
    for (const [contentType, told] of [
      ["text/plain; a=ü", Buffer.from("text/plain; a=ü").toString("latin1")],
      ["text/html\r\nset-cookie: a=b", "image/jpeg"],
    ] as const) {
      const put = { bucket: "private", key: "page" };
      const bytes = (async function* () {
        yield Buffer.from("what it holds");
      })();
      await store.put(put, { bytes }, () => ({ etag: "e", contentType }));
      const { key } = await store.link({ from: put, to: { bucket: "group1", extension: "jpg" } });
      const read = await ask("GET", `/group1/${key}`);
      expect([read.status, read.headers.get("content-type")]).toEqual([200, told]);
      expect(read.headers.get("set-cookie")).toBe(null);
    }
  });

  test("have metadata", async () => {
    const path = `${await stored(random.bytes(10))}?metadata`;
    expect((await ask("GET", path)).json()).toEqual({});
    expect((await ask("PUT", path, { body: '{"width":"160","Höhe":"80"}' })).status).toBe(204);
    expect((await ask("PATCH", path, { body: '{"width":"200"}' })).status).toBe(204);
    expect((await ask("GET", path)).json()).toEqual({ width: "200", Höhe: "80" });
    for (const body of [
      "[]",
      "1",
      "{",
      '{"a":1}',
      `{"${"n".repeat(65)}":"x"}`,
      '{"__proto__":"x"}',
    ])
      expect((await ask("PUT", path, { body })).status).toBe(400);
    expect((await ask("PUT", path, { body: "{}" })).status).toBe(204);
    expect((await ask("GET", path)).json()).toEqual({});
  });
});

describe("who may", () => {
  test("read: whoever knows an id; write: whoever may write into the bucket", async () => {
    const path = await stored(random.bytes(10), "?appender");
    const tries = [
      ["POST", "/group1"],
      ["POST", `${path}?slave=_x`],
      ["PATCH", path],
      ["PUT", `${path}?metadata`],
      ["DELETE", path],
    ] as const;
    for (const [method, target] of tries) {
      const unknown = await ask(method, target, { as: "nobody", body: "x" });
      expect([unknown.status, unknown.headers.get("www-authenticate")]).toEqual([
        401,
        'Basic realm="quarry"',
      ]);
      expect((await ask(method, target, { as: "eve", body: "x" })).status).toBe(403);
    }
    expect((await ask("GET", path, { as: "nobody" })).bytes.length).toBe(10);
    const bad = { headers: { authorization: `Basic ${btoa("ada-key:wrong")}` } };
    expect((await ask("DELETE", path, { as: "nobody", ...bad })).status).toBe(403);
  });

  test("only files of the group's own kind are reached", async () => {
    const key = "secret.txt";
    const bytes = (async function* () {
      yield Buffer.from("private");
    })();
    await store.put({ bucket: "group1", key }, { bytes }, () => ({ etag: "e" }));
    expect((await ask("GET", `/group1/${key}`)).status).toBe(400);
    expect((await ask("GET", "/group1/M00/00/00/..%2F..%2Fsecret.txt")).status).toBe(400);
    expect((await ask("GET", "/private/x")).status).toBe(404);
    expect((await ask("GET", "/group1")).status).toBe(405);
    expect((await ask("PUT", `/group1/M00/00/00/x`)).status).toBe(405);
  });

  test("with tokens: ids alone are not enough, for a while", async () => {
    const path = await stored(random.bytes(10));
    const nowS = Math.floor(systemClock.nowMs() / 1000);
    const read = async (name: string, ts: number, by = secret) => {
      const token = createHash("md5").update(`${name}${by}${ts}`).digest("hex");
      const target = `${path}?token=${token}&ts=${ts}`;
      return (await ask("GET", target, { at: guardedBase, as: "nobody" })).status;
    };
    const [id, key] = [path.slice(1), path.slice("/group1/".length)];
    expect(await read(key, nowS)).toBe(200);
    expect(await read(id, nowS - 30)).toBe(200);
    expect(await read(key, nowS - 120)).toBe(403);
    expect(await read(key, nowS, "another")).toBe(403);
    expect(await read("other", nowS)).toBe(403);
    expect((await ask("GET", path, { at: guardedBase })).status).toBe(403);
    expect((await ask("GET", `${path}?metadata`, { at: guardedBase })).status).toBe(403);
    expect((await ask("DELETE", path, { at: guardedBase })).status).toBe(204);
  });
});
