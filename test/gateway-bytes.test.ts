/**
 * Many clients at once, pipelining, breaking off, taking their time: whatever they do, each gets the
 * bytes that it asked for, in order. Memory that is given back is spoiled at once, so that whoever
 * still needs it shows.
 */
import { connect } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { payloadPool } from "../base/buffer-pool.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { headText, type RunningGateway, runGateway } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";

const KiB = 1024;
const SIZES = [
  0,
  1,
  100,
  4 * KiB,
  16 * KiB,
  16 * KiB + 1,
  64 * KiB,
  64 * KiB + 1,
  300 * KiB,
  5000 * KiB,
];
const CLIENTS = 16;
const SESSIONS = 12;
const HASH = "UNSIGNED-PAYLOAD";

afterEach(() => {
  vi.restoreAllMocks();
});

function spoilWhatIsGiven(): void {
  const taken = new WeakSet<ArrayBufferLike>();
  const [take, give] = [payloadPool.take.bind(payloadPool), payloadPool.give.bind(payloadPool)];
  vi.spyOn(payloadPool, "take").mockImplementation((lengthBytes) => {
    const buffer = take(lengthBytes);
    // Smaller ones share memory with others, and are not used again.
    if (lengthBytes >= 2 * KiB) taken.add(buffer.buffer);
    return buffer;
  });
  vi.spyOn(payloadPool, "give").mockImplementation((view) => {
    if (taken.delete(view.buffer)) new Uint8Array(view.buffer).fill(0xee);
    give(view);
  });
}

/** Each 16 bytes tell whose they are and where they stand. */
function contentOf(tag: number, lengthBytes: number): Buffer {
  const content = Buffer.alloc(Math.ceil(lengthBytes / 16) * 16);
  for (let at = 0; at < content.length; at += 16) {
    content.writeUInt32LE(tag, at);
    content.writeUInt32LE(at, at + 4);
    content.writeUInt32LE(lengthBytes, at + 8);
  }
  return content.subarray(0, lengthBytes);
}

interface Asked {
  readonly head: string;
  readonly body?: Buffer;
  readonly status: number;
  /** What comes back. */
  readonly content: Buffer;
}

/** Sends all at once; what is wrong with the answers. Breaks off behind so many bytes. */
function session(port: number, asked: readonly Asked[], mostBytes: number, isSlow: boolean) {
  return new Promise<string>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    let bytes = 0;
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes >= mostBytes) socket.destroy();
      if (!isSlow) return;
      socket.pause();
      setTimeout(() => socket.resume(), 3);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(faultIn(Buffer.concat(parts), asked, mostBytes)));
    for (const { head, body } of asked) {
      socket.write(head);
      if (body !== undefined) socket.write(body);
    }
  });
}

function faultIn(got: Buffer, asked: readonly Asked[], mostBytes: number): string {
  let at = 0;
  for (const { head, status, content } of asked) {
    const end = got.indexOf("\r\n\r\n", at);
    const what = head.slice(0, head.indexOf("\r\n"));
    if (end < 0) return got.length >= mostBytes ? "" : `${what}: no answer`;
    const line = got.subarray(at, got.indexOf("\r\n", at)).toString();
    if (!line.startsWith(`HTTP/1.1 ${status}`)) return `${what}: ${line}`;
    const body = got.subarray(end + 4, end + 4 + content.length);
    if (!body.equals(content.subarray(0, body.length))) return `${what}: wrong bytes`;
    if (body.length < content.length) return got.length >= mostBytes ? "" : `${what}: cut off`;
    at = end + 4 + content.length;
  }
  return "";
}

interface Stored {
  readonly url: string;
  readonly content: Buffer;
}

function getOf(
  { sign }: RunningGateway,
  random: Random,
  { url, content }: Stored,
  isLast: boolean,
): Asked {
  const close: Record<string, string> = isLast ? { connection: "close" } : {};
  const kind = random.u32() % 5;
  if (kind === 0) {
    const { headers } = sign("HEAD", url, close, HASH);
    return { head: headText("HEAD", url, headers), status: 200, content: Buffer.alloc(0) };
  }
  if (kind > 2 || content.length < 2) {
    const { headers } = sign("GET", url, close, HASH);
    return { head: headText("GET", url, headers), status: 200, content };
  }
  const first = random.u32() % content.length;
  const last = Math.min(content.length - 1, first + (random.u32() % content.length));
  const { headers } = sign("GET", url, { range: `bytes=${first}-${last}`, ...close }, HASH);
  const part = content.subarray(first, last + 1);
  return { head: headText("GET", url, headers), status: 206, content: part };
}

function putOf({ sign }: RunningGateway, { url, content }: Stored): Asked {
  const lengths = { "content-length": String(content.length), connection: "close" };
  const { headers } = sign("PUT", url, lengths, HASH);
  return {
    head: headText("PUT", url, headers),
    body: content,
    status: 200,
    content: Buffer.alloc(0),
  };
}

test("each client gets its own bytes, whatever others do", { timeout: 120_000 }, async () => {
  const store = await memoryStore();
  await using running = await runGateway(store);
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
  spoilWhatIsGiven();
  const objects: Stored[] = [];
  const faults: string[] = [];
  const put = async (tag: number, size: number, mostBytes = Number.POSITIVE_INFINITY) => {
    const one = { url: `/bucket/${tag}`, content: contentOf(tag, size) };
    const fault = await session(running.port, [putOf(running, one)], mostBytes, false);
    if (fault === "") objects.push(one);
    else faults.push(fault);
  };
  for (const [tag, size] of SIZES.entries()) await put(tag, size);
  const client = async (n: number) => {
    const random = seededRandom(n + 1);
    const oneOf = <T>(all: readonly T[]) => all[random.u32() % all.length] as T;
    for (let turn = 0; turn < SESSIONS; turn++) {
      if (random.u32() % 3 === 0) await put(100 + n * SESSIONS + turn, oneOf(SIZES));
      const count = 1 + (random.u32() % 8);
      const asked = Array.from({ length: count }, (_, i) =>
        getOf(running, random, oneOf(objects), i === count - 1),
      );
      const mostBytes = random.u32() % 3 === 0 ? random.u32() % 300_000 : Number.POSITIVE_INFINITY;
      const fault = await session(running.port, asked, mostBytes, random.u32() % 4 === 0);
      if (fault !== "") faults.push(fault);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
  expect(faults).toEqual([]);
});
