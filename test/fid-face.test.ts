/** The fid face over HTTP: its verbs, who may use them, tokens, ranges, and what is said of errors. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import { fidName } from "../client/fids/name.ts";
import type { Store } from "../client/store.ts";
import { createFidGateway, type FidGateway } from "../gateway/fids/create-fid-gateway.ts";
import { tokenOf } from "../gateway/fids/token.ts";
import { addUser, memoryStore } from "./memory-store.ts";

const random = seededRandom(82);
const secret = "between us";
const app = "shop";
let store: Store;
let open: FidGateway;
let guarded: FidGateway;
let base: string;
let guardedBase: string;

const users = {
  ada: { accessKey: "ada-key", secretKey: "ada-secret" },
  eve: { accessKey: "eve-key", secretKey: "eve-secret" },
};
type User = keyof typeof users;

beforeAll(async () => {
  store = await memoryStore();
  for (const id of ["ada", "eve"] as const)
    await addUser(store, { id, displayName: id }, users[id]);
  await store.names.execute({ type: "createBucket", bucket: app, owner: "ada" });
  await store.names.execute({ type: "createBucket", bucket: "eves", owner: "eve" });
  const shared = {
    ...{ store, clock: systemClock, random: systemRandom },
    logger: pino({ level: "silent" }),
  };
  open = createFidGateway(shared);
  guarded = createFidGateway({ ...shared, tokens: { secret, keptMs: 60_000 } });
  base = `http://127.0.0.1:${(await open.listen({ host: "127.0.0.1", port: 0 })).port}`;
  guardedBase = `http://127.0.0.1:${(await guarded.listen({ host: "127.0.0.1", port: 0 })).port}`;
});
afterAll(async () => {
  await open?.close();
  await guarded?.close();
  await store?.[Symbol.asyncDispose]();
});

function ask(
  method: string,
  path: string,
  {
    as,
    body,
    headers,
    at = base,
  }: {
    as?: User;
    body?: Uint8Array<ArrayBuffer>;
    headers?: Record<string, string>;
    at?: string;
  } = {},
): Promise<Response> {
  const user = as && users[as];
  const basic = user && Buffer.from(`${user.accessKey}:${user.secretKey}`).toString("base64");
  return fetch(at + path, {
    method,
    headers: { ...headers, ...(basic !== undefined && { authorization: `Basic ${basic}` }) },
    ...(body !== undefined && { body, duplex: "half" }),
  });
}

async function stored(
  bytes: Uint8Array<ArrayBuffer>,
  query = "",
  as: User = "ada",
): Promise<string> {
  const answer = await ask("POST", `/v1/${as === "ada" ? app : "eves"}${query}`, {
    as,
    body: bytes,
  });
  expect(answer.status).toBe(200);
  const told = (await answer.json()) as { TFS_FILE_NAME: string };
  return told.TFS_FILE_NAME;
}

const some = (length: number) => Uint8Array.from(random.bytes(length));
const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());

describe("a file", () => {
  test.each([
    ["a small", 3000, "T"],
    ["a large", 5_000_000, "L"],
  ])("%s one is stored, told of, read and removed", async (_, length, kind) => {
    const bytes = some(length);
    const name = await stored(bytes, "?suffix=.jpg&simple_name=1");
    expect(name).toMatch(new RegExp(`^${kind}1.{16}\\.jpg$`));
    const read = await ask("GET", `/v1/${app}/${name}`);
    expect([read.status, read.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect(await bytesOf(read)).toEqual(bytes);
    const head = await ask("HEAD", `/v1/${app}/${name}`);
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(length)]);
    const told = await ask("GET", `/v1/${app}/metadata/${name}`);
    expect(await told.json()).toMatchObject({ FILE_NAME: name, SIZE: length, STATUS: 0 });
    expect((await ask("DELETE", `/v1/${app}/${name}`, { as: "ada" })).status).toBe(200);
    expect((await ask("GET", `/v1/${app}/${name}`)).status).toBe(404);
    expect((await ask("DELETE", `/v1/${app}/${name}`, { as: "ada" })).status).toBe(404);
  });

  test("its suffix may be told in the name or beside it, not otherwise", async () => {
    const name = await stored(some(10), "?suffix=.png");
    const bare = name.slice(0, 18);
    for (const [path, status] of [
      [`${name}`, 200],
      [`${bare}?suffix=.png`, 200],
      [`${name}?suffix=.png`, 200],
      [`${name}?suffix=.jpg`, 404],
      [bare, 404],
    ] as const)
      expect([path, (await ask("GET", `/v1/${app}/${path}`)).status]).toEqual([path, status]);
  });

  test.each([
    ["Range: bytes=10-19", { range: "bytes=10-19" }, "", 206, 10, 20],
    ["Range: bytes=-5", { range: "bytes=-5" }, "", 206, 199_995, 200_000],
    ["offset and size", {}, "?offset=100&size=50", 200, 100, 150],
    ["offset alone", {}, "?offset=199990", 200, 199_990, 200_000],
    ["offset behind the end", {}, "?offset=300000", 200, 200_000, 200_000],
  ])("is read in parts by %s", async (_, headers, query, status, from, to) => {
    const bytes = some(200_000);
    const name = await stored(bytes);
    const answer = await ask("GET", `/v1/${app}/${name}${query}`, { headers });
    expect(answer.status).toBe(status);
    expect(await bytesOf(answer)).toEqual(bytes.slice(from, to));
  });

  test("a range behind the end is refused", async () => {
    const name = await stored(some(10));
    const answer = await ask("GET", `/v1/${app}/${name}`, { headers: { range: "bytes=10-" } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, "bytes */10"]);
  });

  test("is not sent to who has it", async () => {
    const name = await stored(some(10));
    const { headers } = await ask("GET", `/v1/${app}/${name}`);
    const etag = headers.get("etag") ?? "";
    const again = await ask("GET", `/v1/${app}/${name}`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
  });

  test("is hidden and revealed", async () => {
    const name = await stored(some(10));
    const path = `/v1/${app}/${name}`;
    expect((await ask("DELETE", `${path}?hide=1`, { as: "ada" })).status).toBe(200);
    expect((await ask("GET", path)).status).toBe(404);
    expect((await ask("HEAD", path)).status).toBe(404);
    const about = `/v1/${app}/metadata/${name}`;
    expect((await ask("GET", about)).status).toBe(404);
    expect((await ask("GET", `${about}?type=1`)).status).toBe(401);
    const told = await ask("GET", `${about}?type=1`, { as: "ada" });
    expect(await told.json()).toMatchObject({ STATUS: 4 });
    expect((await ask("DELETE", `${path}?hide=0`, { as: "ada" })).status).toBe(200);
    expect((await ask("GET", path)).status).toBe(200);
  });

  test("cannot be changed", async () => {
    const name = await stored(some(10));
    const answer = await ask("PUT", `/v1/${app}/${name}`, { as: "ada", body: some(3) });
    expect(answer.status).toBe(405);
  });
});

describe("who may", () => {
  test.each([
    ["nobody", undefined, 401],
    ["another user", "eve", 403],
    ["the owner of the bucket", "ada", 200],
  ] as const)("%s stores and removes", async (_, as, status) => {
    const name = await stored(some(10));
    const by = as === undefined ? {} : { as };
    expect((await ask("POST", `/v1/${app}`, { ...by, body: some(3) })).status).toBe(status);
    expect((await ask("DELETE", `/v1/${app}/${name}?hide=1`, by)).status).toBe(status);
    expect((await ask("DELETE", `/v1/${app}/${name}`, by)).status).toBe(status);
    expect((await ask("PUT", `/v1/${app}/named`, { ...by, body: some(3) })).status).toBe(status);
  });

  test("nobody removes a file by the name of his own bucket", async () => {
    const name = await stored(some(10));
    expect((await ask("DELETE", `/v1/eves/${name}`, { as: "eve" })).status).toBe(404);
    expect((await ask("GET", `/v1/eves/${name}`)).status).toBe(404);
    expect((await ask("GET", `/v1/${app}/${name}`)).status).toBe(200);
  });

  test("a wrong secret is refused", async () => {
    const basic = Buffer.from("ada-key:guess").toString("base64");
    const headers = { authorization: `Basic ${basic}` };
    const answer = await ask("POST", `/v1/${app}`, { headers, body: some(3) });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      403,
      "InvalidAccessKeyId",
    ]);
  });

  test("an object is read by no fid, whatever kind it is said to be", async () => {
    await store.put(
      { bucket: app, key: "private" },
      {
        bytes: (async function* () {
          yield some(100);
        })(),
      },
      () => ({ etag: "e" }),
    );
    const { run } = await store.names.lookup({ bucket: app, key: "private", offset: 0 });
    const chunk = run?.chunks[0];
    if (chunk === undefined) throw new Error("it has a chunk");
    for (const kind of ["T", "L"] as const)
      expect((await ask("GET", `/v1/${app}/${fidName(kind, chunk)}`)).status).toBe(404);
  });
});

describe("with tokens", () => {
  const seconds = () => Math.floor(Date.now() / 1000);

  test("a file is served with one that is right, as long as it counts", async () => {
    const name = await stored(some(10), "?suffix=.gif");
    const now = seconds();
    const right = `?token=${tokenOf(name, secret, now)}&ts=${now}`;
    const old = `?token=${tokenOf(name, secret, now - 61)}&ts=${now - 61}`;
    const other = `?token=${tokenOf(name, "other", now)}&ts=${now}`;
    for (const [query, status] of [
      ["", 403],
      [right, 200],
      [old, 403],
      [other, 403],
    ] as const)
      for (const method of ["GET", "HEAD"])
        expect([
          query,
          (await ask(method, `/v1/${app}/${name}${query}`, { at: guardedBase })).status,
        ]).toEqual([query, status]);
  });

  test("storing takes none", async () => {
    const answer = await ask("POST", `/v1/${app}`, { as: "ada", body: some(3), at: guardedBase });
    expect(answer.status).toBe(200);
  });
});

describe("a named file", () => {
  test("is put, read by who may, and removed; S3 has it under its key", async () => {
    const bytes = some(70_000);
    const path = `/v1/${app}/pictures/cat%20one.png`;
    expect((await ask("PUT", path, { as: "ada", body: bytes })).status).toBe(200);
    expect((await ask("GET", path)).status).toBe(401);
    expect((await ask("GET", path, { as: "eve" })).status).toBe(403);
    const read = await ask("GET", path, { as: "ada", headers: { range: "bytes=5-9" } });
    expect([read.status, read.headers.get("content-type")]).toEqual([206, "image/png"]);
    expect(await bytesOf(read)).toEqual(bytes.slice(5, 10));
    const { object } = await store.open({ bucket: app, key: "pictures/cat one.png" });
    expect(object.lengthBytes).toBe(bytes.length);
    expect((await ask("DELETE", path, { as: "ada" })).status).toBe(200);
    expect((await ask("GET", path, { as: "ada" })).status).toBe(404);
  });
});

test.each([
  ["GET", "/v2/shop/x", 404],
  ["GET", "/v1/none/T19RETByJT1RCvBVdK", 404],
  ["GET", "/v1/shop/T19RETByJT1RCvBVdK", 404],
  ["PATCH", "/v1/shop/x", 405],
  ["GET", "/v1/shop", 405],
  ["POST", "/v1/shop?suffix=%2Fx", 401],
  ["GET", "/health/live", 200],
])("%s %s is answered with %i, in words", async (method, path, status) => {
  const answer = await ask(method, path);
  expect(answer.status).toBe(status);
  const told = (await answer.json()) as { message?: string };
  if (status !== 200) expect(told.message).not.toBe("");
});

test("a body that breaks off stores nothing, and a bad suffix is refused", async () => {
  const answer = await ask("POST", `/v1/${app}?suffix=%2Fx`, { as: "ada", body: some(3) });
  expect(answer.status).toBe(400);
});
