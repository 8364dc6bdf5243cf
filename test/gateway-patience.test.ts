/** Clients that hang or vanish, stores that take their time, and too much at once. */
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Store } from "../client/store.ts";
import type { NameService } from "../rpc/name-service.ts";
import { headText, type RunningGateway, runGateway } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { sha256 } from "./sign-request.ts";
import { watchedStore } from "./watched-store.ts";

/** However busy the machine is. */
const SOON = { timeout: 30_000 };

const EMPTY = sha256("");

async function storeWithBucket(): Promise<Store> {
  const store = await memoryStore();
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
  return store;
}

function withNames(store: Store, names: Partial<NameService>): Store {
  return { ...store, names: { ...store.names, ...names } };
}

/** Opens a connection and collects what it says. */
function talk(running: RunningGateway): {
  readonly socket: Socket;
  heard(): string;
  readonly closed: Promise<void>;
} {
  const socket = connect(running.port, "127.0.0.1");
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { socket, heard: () => text, closed };
}

describe("time", () => {
  test("a body that brings no byte for too long is given up, and its client told", async () => {
    const clock = new SimulatedClock();
    const store = await storeWithBucket();
    await using running = await runGateway(store, clock);
    const signed = running.sign("PUT", "/bucket/k", { "content-length": "10" }, "UNSIGNED-PAYLOAD");
    const client = talk(running);
    client.socket.write(`${headText("PUT", "/bucket/k", signed.headers)}half`);
    await expect.poll(() => clock.waiting, SOON).toBe(1);
    clock.advance(limits.bodyIdleMs);
    await client.closed;
    expect(client.heard()).toMatch(/^HTTP\/1.1 400/);
    expect(client.heard()).toContain("<Code>RequestTimeout</Code>");
    await expect(store.open({ bucket: "bucket", key: "k" })).rejects.toMatchObject({
      code: "NoSuchKey",
    });
  });

  function completion(running: RunningGateway, upload: string) {
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"5d41402abc4b2a76b9719d911017c592"</ETag></Part></CompleteMultipartUpload>`;
    const url = `/bucket/k?uploadId=${upload}`;
    const headers = { "content-length": String(body.length), connection: "close" };
    const signed = running.sign("POST", url, headers, sha256(body));
    return headText("POST", url, signed.headers) + body;
  }

  async function uploadOfOnePart(store: Store): Promise<string> {
    const target = { bucket: "bucket", key: "k" };
    const created = await store.names.execute({ type: "createUpload", ...target, attributes: {} });
    if (created.type !== "upload") throw new Error("no upload");
    const bytes = (async function* () {
      yield Buffer.from("hello");
    })();
    await store.putPart({ ...target, upload: created.upload, part: 1 }, { bytes }, () => ({
      etag: "5d41402abc4b2a76b9719d911017c592",
    }));
    return created.upload;
  }

  test.each(["well", "badly"])(
    "a long completion keeps its client waiting and ends %s",
    async (end) => {
      const clock = new SimulatedClock();
      const store = await storeWithBucket();
      const gate = Promise.withResolvers<void>();
      const slow = withNames(store, {
        async execute(command) {
          if (command.type === "completeUpload") await gate.promise;
          return await store.names.execute(command);
        },
      });
      await using running = await runGateway(slow, clock);
      const client = talk(running);
      client.socket.write(completion(running, await uploadOfOnePart(store)));
      await expect.poll(() => clock.waiting, SOON).toBe(1);
      clock.advance(limits.keepAliveMs);
      await expect.poll(client.heard, SOON).toContain("<?xml");
      await expect.poll(() => clock.waiting, SOON).toBe(1);
      clock.advance(limits.keepAliveMs);
      if (end === "well") gate.resolve();
      else gate.reject(new QuarryError("NoSuchUpload", "it was aborted meanwhile"));
      await client.closed;
      expect(client.heard()).toMatch(/^HTTP\/1.1 200/);
      expect(client.heard().match(/<\?xml/g)?.length).toBe(1);
      expect(client.heard()).toContain(
        end === "well" ? "</CompleteMultipartUploadResult>" : "<Code>NoSuchUpload</Code>",
      );
    },
  );

  test("a short one that fails has the status of its error", async () => {
    await using running = await runGateway(await storeWithBucket());
    const client = talk(running);
    client.socket.write(completion(running, "nothing"));
    await client.closed;
    expect(client.heard()).toMatch(/^HTTP\/1.1 404/);
    // The log says of what, and nothing of the query, where signatures stand.
    expect(running.logged.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ verb: "CompleteMultipartUpload", path: "/bucket/k" }),
    );
  });
});

describe("clients that vanish", () => {
  test("while they read: the reading ends too", async () => {
    const content = Buffer.alloc(64 * 2 ** 20);
    const { store, seen } = await watchedStore(content);
    await using running = await runGateway(store);
    const signed = running.sign("GET", "/bucket/big", {}, EMPTY);
    const socket = connect(running.port, "127.0.0.1");
    socket.write(headText("GET", "/bucket/big", signed.headers));
    socket.once("data", () => socket.destroy());
    await expect.poll(() => seen.over, SOON).toBe(1);
    expect(seen.givenBytes).toBeLessThan(content.length);
  });
});

describe("clients that vanish while the store works", () => {
  test.each(["/bucket/k", "/bucket?list-type=2", "/bucket/nothing"])("%s", async (url) => {
    const store = await storeWithBucket();
    const bytes = (async function* () {
      yield Buffer.from("hello");
    })();
    await store.put({ bucket: "bucket", key: "k" }, { bytes }, () => ({ etag: "x" }));
    const gate = Promise.withResolvers<void>();
    const slow = withNames(
      {
        ...store,
        async open(target) {
          await gate.promise;
          return await store.open(target);
        },
      },
      {
        async list(request) {
          await gate.promise;
          return await store.names.list(request);
        },
      },
    );
    await using running = await runGateway(slow);
    const signed = running.sign("GET", url, {}, EMPTY);
    const client = talk(running);
    client.socket.write(headText("GET", url, signed.headers));
    const metrics = async () => await (await fetch(`${running.endpoint}/metrics`)).text();
    await expect.poll(metrics, SOON).toContain("quarry_s3_requests_in_flight 1");
    const connections = () =>
      new Promise<number>((resolve) => {
        running.gateway.fastify.server.getConnections((_, count) => resolve(count));
      });
    const before = await connections();
    client.socket.destroy();
    await expect.poll(connections, SOON).toBeLessThan(before);
    gate.resolve();
    await expect.poll(metrics, SOON).toContain("quarry_s3_requests_in_flight 0");
  });
});

describe("failures of the store", () => {
  const damaged =
    (at: number): ((store: Store) => Store) =>
    (store) => ({
      ...store,
      async open(target) {
        const opened = await store.open(target);
        return {
          ...opened,
          async *read(_, lengthBytes) {
            if (at > 0) yield Buffer.alloc(Math.min(at, lengthBytes));
            throw new QuarryError("Damaged", "block 7, needle 9: the checksum does not match");
          },
        };
      },
    });

  async function get(change: (store: Store) => Store) {
    const store = await storeWithBucket();
    const bytes = (async function* () {
      yield Buffer.from("hello");
    })();
    await store.put({ bucket: "bucket", key: "k" }, { bytes }, () => ({ etag: "x" }));
    await using running = await runGateway(change(store));
    const signed = running.sign("GET", "/bucket/k", { connection: "close" }, EMPTY);
    const answer = await running.raw(headText("GET", "/bucket/k", signed.headers));
    return { answer, log: running.logged.join("") };
  }

  test("damage before the first byte is an error, and names itself in the log only", async () => {
    const { answer, log } = await get(damaged(0));
    expect(answer).toMatch(/^HTTP\/1.1 409/);
    expect(answer).toContain("<Code>ObjectDamaged</Code>");
    expect(answer).toContain("Trying again will not help");
    expect(answer).not.toContain("block 7");
    expect(log).toContain("block 7, needle 9");
    const requestId = /x-amz-request-id: (\w+)/.exec(answer)?.[1] ?? "none";
    expect(log).toContain(requestId);
  });

  test("damage later cuts the answer short: it is never completed", async () => {
    const { answer } = await get(damaged(2));
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(answer).toMatch(/content-length: 5/i);
    expect(answer.endsWith("\0\0")).toBe(true);
  });

  test("a store that is busy asks to slow down", async () => {
    const busy = (store: Store) => ({
      ...store,
      open: () => Promise.reject(new QuarryError("Busy", "too much")),
    });
    const { answer } = await get(busy);
    expect(answer).toMatch(/^HTTP\/1.1 503/);
    expect(answer).toMatch(/retry-after: 1/i);
    expect(answer).toContain("<Code>SlowDown</Code>");
  });
});

test("more than the maximum of requests at once are told to slow down", async () => {
  const store = await storeWithBucket();
  const gate = Promise.withResolvers<void>();
  const slow = withNames(store, {
    async access(request) {
      await gate.promise;
      return await store.names.access(request);
    },
  });
  await using running = await runGateway(slow);
  const signed = running.sign("GET", "/bucket/k", {}, EMPTY);
  const one = headText("GET", "/bucket/k", signed.headers);
  const more = 7;
  const client = talk(running);
  client.socket.write(one.repeat(limits.requests + more));
  await expect
    .poll(async () => await (await fetch(`${running.endpoint}/metrics`)).text())
    .toContain(`quarry_s3_requests_in_flight ${limits.requests}`);
  gate.resolve();
  const count = (code: string) => client.heard().split(`<Code>${code}</Code>`).length - 1;
  await expect
    .poll(() => count("NoSuchKey") + count("SlowDown"), SOON)
    .toBe(limits.requests + more);
  expect(count("SlowDown")).toBe(more);
  client.socket.destroy();
});
