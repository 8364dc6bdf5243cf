/**
 * Streams beside plain PUT and GET of the same size, in turns in one process and one folder: bytes a second
 * and CPU, client and server together.
 *
 *   client   `put` and `open().read()` of the storage client: no hash, buffers that are used again
 *   stream   an upload and a download stream of the bucket
 *   s3       a presigned PUT and GET of the S3 face over HTTP
 *   http     the same streams behind two lines of `node:http`
 *
 * `node bench/streams.ts [size, default 16777216] [rounds, default 15] [folder, default a temporary one]`
 */
import console from "node:console";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { systemRandom } from "../base/random.ts";
import { runConditions } from "../cli/bench/conditions.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import { presignedUrl } from "../cli/objects/presigned-url.ts";
import { createLogger, openFace } from "../cli/serve/face.ts";
import { openClient } from "../client/open-servers.ts";
import { GridFSBucket } from "../client/streams/bucket.ts";

const sizeBytes = Number(process.argv[2] ?? 16 * 1024 * 1024);
const rounds = Number(process.argv[3] ?? 15);
const parent = process.argv[4] ?? tmpdir();
/** What is moved in one measurement; small files are many. */
const MOVED_BYTES = 32 * 1024 * 1024;
const count = Math.max(1, Math.min(100, Math.floor(MOVED_BYTES / sizeBytes)));
const PIECE = 64 * 1024;
const content = systemRandom.bytes(Math.min(sizeBytes, 16 * 1024 * 1024));
const bucket = "bench";
const keys = { accessKeyId: "bench-access-key", secretAccessKey: "bench-secret-key-of-this-run" };

function* views(): Generator<Uint8Array> {
  for (let left = sizeBytes; left > 0; ) {
    const from = (sizeBytes - left) % content.length;
    const piece = content.subarray(from, from + Math.min(PIECE, left));
    yield piece;
    left -= piece.length;
  }
}

const source = () => Readable.from(views(), { objectMode: false });

async function* asked(): AsyncGenerator<Uint8Array> {
  yield* views();
}

async function lengthOf(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const part of bytes) length += part.length;
  return length;
}

async function send(url: string): Promise<number> {
  const headers = { "content-length": sizeBytes };
  const sending = request(url, { method: "PUT", headers });
  const answered = once(sending, "response") as Promise<[IncomingMessage]>;
  await pipeline(source(), sending);
  const [answer] = await answered;
  if (answer.statusCode !== 200) throw new Error(`PUT is answered with ${answer.statusCode}`);
  await lengthOf(answer);
  return sizeBytes;
}

async function fetchAll(url: string): Promise<number> {
  const [answer] = (await once(request(url).end(), "response")) as [IncomingMessage];
  return await lengthOf(answer);
}

interface Sample {
  readonly megabytesPerSecond: number;
  readonly cpuMillis: number;
}

async function measured(work: (i: number) => Promise<number>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  for (let i = 0; i < count; i++)
    if ((await work(i)) !== sizeBytes) throw new Error("not all bytes were moved");
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const megabytes = (sizeBytes * count) / 1e6;
  return { megabytesPerSecond: megabytes / seconds, cpuMillis: (user + system) / 1e3 };
}

const folder = await mkdtemp(join(parent, "quarry-bench-streams-"));
try {
  await using store = await openClient({ directories: [folder], copies: "none" });
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = keys;
  const user = { id: "bench", displayName: "Bench" };
  await store.names.execute({ type: "putUser", user });
  await store.names.execute({ type: "putAccessKey", user: user.id, accessKey, secretKey });
  await store.names.execute({ type: "createBucket", bucket, owner: user.id });
  const files = new GridFSBucket(store, { bucketName: bucket });
  await using stack = new AsyncDisposableStack();
  const place = { host: "127.0.0.1", port: 0, region: "us-east-1" };
  const face = await openFace(store, place, createLogger("silent", "bench"));
  stack.defer(() => face.close());
  const server = createServer(async (asking, answer) => {
    const id = asking.url ?? "";
    if (asking.method === "PUT") {
      await pipeline(asking, files.openUploadStreamWithId(id, id));
      answer.end();
    } else {
      const stream = files.openDownloadStream(id);
      stream.once("file", ({ length }) => answer.setHeader("content-length", length));
      await pipeline(stream, answer);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.close();
  });
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const s3 = { endpoint: face.url, region: place.region, forcePathStyle: true, credentials: keys };
  const signed = async (method: "GET" | "PUT", i: number) => {
    const client = new S3Client(s3);
    const url = await presignedUrl(client, { Bucket: bucket, Key: `s3-${i}` }, method, 3600);
    client.destroy();
    return url;
  };
  const puts = await Promise.all(Array.from({ length: count }, (_, i) => signed("PUT", i)));
  const gets = await Promise.all(Array.from({ length: count }, (_, i) => signed("GET", i)));
  /** Uploads of a stream do not overwrite; to make room for them is not measured. */
  const makeRoom = async () => {
    for (let i = 0; i < count; i++)
      for (const id of [`stream-${i}`, `/http-${i}`]) await files.delete(id).catch(() => undefined);
  };
  const work: Record<string, (i: number) => Promise<number>> = {
    "client put": async (i) => {
      await store.put({ bucket, key: `plain-${i}` }, { bytes: asked() }, () => ({ etag: "" }));
      return sizeBytes;
    },
    "stream put": async (i) => {
      const upload = files.openUploadStreamWithId(`stream-${i}`, "stream");
      await pipeline(source(), upload);
      return upload.length;
    },
    "s3 put": async (i) => await send(puts[i] ?? ""),
    "http put": async (i) => await send(`${own}/http-${i}`),
    "client get": async (i) => {
      const opened = await store.open({ bucket, key: `plain-${i}`, offset: 0 });
      return await lengthOf(opened.read(0, opened.object.lengthBytes));
    },
    "stream get": async (i) => await lengthOf(files.openDownloadStream(`stream-${i}`)),
    "s3 get": async (i) => await fetchAll(gets[i] ?? ""),
    "http get": async (i) => await fetchAll(`${own}/http-${i}`),
  };
  const samples = new Map<string, Sample[]>(Object.keys(work).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    await makeRoom();
    for (const [name, run] of Object.entries(work)) {
      const sample = await measured(run);
      if (round >= 0) samples.get(name)?.push(sample);
    }
  }
  const of = (name: string) => samples.get(name) ?? [];
  for (const name of Object.keys(work)) {
    const rate = spreadOf(of(name).map((one) => one.megabytesPerSecond));
    const cpu = spreadOf(of(name).map((one) => one.cpuMillis));
    console.log(
      `${name.padEnd(11)} ${rate.median.toFixed(0).padStart(6)} MB/s (${rate.least.toFixed(0)} to ${rate.most.toFixed(0)})  CPU ${((cpu.median * 64e6) / (sizeBytes * count)).toFixed(0)} ms for 64 MB`,
    );
  }
  /** Of neighbours in time, since the machine is another one a minute later. */
  const beside = (a: string, b: string, field: keyof Sample) =>
    spreadOf(of(a).map((one, i) => one[field] / (of(b)[i]?.[field] ?? Number.NaN))).median;
  for (const what of ["put", "get"])
    for (const [a, b] of [
      ["stream", "client"],
      ["stream", "s3"],
      ["http", "s3"],
    ]) {
      const pair = [`${a} ${what}`, `${b} ${what}`] as const;
      console.log(
        `${pair[0]} beside ${pair[1]}: ${beside(...pair, "megabytesPerSecond").toFixed(2)} of its bytes a second, ${beside(...pair, "cpuMillis").toFixed(2)} of its CPU`,
      );
    }
  console.log(JSON.stringify({ conditions: runConditions(), sizeBytes, count, rounds }));
} finally {
  await rm(folder, { recursive: true });
}
