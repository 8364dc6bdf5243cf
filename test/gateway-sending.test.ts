/** Large objects on their way to clients: what is read for them, and what becomes of its memory. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { Store } from "../client/store.ts";
import { headText, runGateway } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { sha256 } from "./sign-request.ts";

const MiB = 2 ** 20;
const content = Buffer.alloc(32 * MiB, "no two neighbours are alike; ");

interface Seen {
  givenBytes: number;
  /** Readings that were asked on behind their last byte: their memory is used again. */
  ended: number;
}

/** A store with one large object, and what is seen of those who read it. */
async function watchedStore(): Promise<{ store: Store; seen: Seen }> {
  const store = await memoryStore();
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
  const bytes = (async function* () {
    yield content;
  })();
  await store.put({ bucket: "bucket", key: "big" }, { bytes }, () => ({ etag: "x" }));
  const seen: Seen = { givenBytes: 0, ended: 0 };
  const watched: Store = {
    ...store,
    async open(target) {
      const opened = await store.open(target);
      return {
        ...opened,
        async *read(offset, lengthBytes) {
          for await (const view of opened.read(offset, lengthBytes)) {
            seen.givenBytes += view.length;
            yield view;
          }
          seen.ended++;
        },
      };
    },
  };
  return { store: watched, seen };
}

test.each([undefined, "bytes=65530-1200000"])("reading %s goes to its end", async (range) => {
  const { store, seen } = await watchedStore();
  await using running = await runGateway(store);
  const headers = range === undefined ? {} : { range };
  const signed = running.sign("GET", "/bucket/big", headers, sha256(""));
  const answer = await fetch(`${running.endpoint}/bucket/big`, { headers: signed.headers });
  const body = Buffer.from(await answer.arrayBuffer());
  const expected = range === undefined ? content : content.subarray(65_530, 1_200_001);
  expect(body.equals(expected)).toBe(true);
  await expect.poll(() => seen.ended).toBe(1);
});

test("for a client that takes nothing no more is read than fits on the way", async () => {
  const { store, seen } = await watchedStore();
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
