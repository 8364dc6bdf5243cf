import { expect, test } from "vitest";
import { dataWishes, Payload, type PayloadSource, readSmallBody, xmlWishes } from "./payload.ts";
import { RequestBody } from "./request-body.ts";

const hello = ["hel", "lo"].map((text) => new TextEncoder().encode(text));

/** A body that writes down what it gave and what came back. */
function source(pieces: readonly Uint8Array[], log: string[]): PayloadSource {
  return {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) {
        log.push(`gave ${Buffer.from(piece).toString()}`);
        yield piece;
      }
    },
    giveBack: (bytes) => log.push(`back ${Buffer.from(bytes).toString()}`),
  };
}

test("bytes that are copied go back before the next are asked for", async () => {
  const log: string[] = [];
  const headers = { "content-length": "5" };
  const payload = new Payload(headers, { kind: "unsigned" }, source(hello, log), dataWishes);
  for await (const bytes of payload) log.push(`read ${Buffer.from(bytes).toString()}`);
  expect(log).toEqual(["gave hel", "read hel", "back hel", "gave lo", "read lo", "back lo"]);
  expect(payload.md5Hex).toBe("5d41402abc4b2a76b9719d911017c592");
});

test("… in chunked bodies when all of a piece was read", async () => {
  const log: string[] = [];
  const framed = ["3\r\nhel\r\n2\r\nl", "o\r\n0\r\n\r\n"].map((t) => new TextEncoder().encode(t));
  const headers = { "content-length": "99", "x-amz-decoded-content-length": "5" };
  const plan = { kind: "chunked", trailer: true } as const;
  const payload = new Payload(headers, plan, source(framed, log), dataWishes);
  for await (const bytes of payload) log.push(`read ${Buffer.from(bytes).toString()}`);
  expect(log.filter((line) => !line.startsWith("gave")).map((line) => line.slice(0, 8))).toEqual([
    ...["read hel", "read l", "back 3\r\n", "read o", "back o\r\n"],
  ]);
});

test("bodies that are kept whole do not go back", async () => {
  const log: string[] = [];
  const headers = { "content-length": "5" };
  const payload = new Payload(headers, { kind: "unsigned" }, source(hello, log), xmlWishes);
  expect((await readSmallBody(payload)).toString()).toBe("hello");
  expect(log).toEqual(["gave hel", "gave lo"]);
});

test("only many bytes that have a buffer of their own are let go", () => {
  const isLetGo = (bytes: Uint8Array) => {
    RequestBody.prototype.giveBack(bytes);
    return bytes.buffer.byteLength === 0;
  };
  expect(isLetGo(new Uint8Array(65_536))).toBe(true);
  expect(isLetGo(new Uint8Array(65_536).subarray(0, 65_535))).toBe(false);
  expect(isLetGo(new Uint8Array(4096))).toBe(false);
});
