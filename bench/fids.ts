/**
 * Small files by fid beside S3: `node bench/fids.ts [--files 500] [--bytes 4096] [--lanes 32]
 * [--rounds 6] [--seconds 2]`. One `quarry serve` with both faces; the same bytes stored as objects and
 * as bare fids, read in turns: S3 with signatures, S3 of a public bucket, fids. Says requests a second
 * and CPU time of the server for each. The last line is one JSON object.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { systemRandom } from "../base/random.ts";
import { HttpConnection } from "../cli/bench/http-connection.ts";
import { cpuMsOf } from "../cli/bench/process-cost.ts";
import { signer } from "../cli/bench/sign.ts";
import { freePort, rootKeys, startServer } from "../test/server-process.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "500" },
    bytes: { type: "string", default: "4096" },
    lanes: { type: "string", default: "32" },
    rounds: { type: "string", default: "6" },
    seconds: { type: "string", default: "2" },
    profile: { type: "boolean", default: false },
  },
});
const files = Number(values.files);
const lanes = Number(values.lanes);
const seconds = Number(values.seconds);
const none = Buffer.alloc(0);

interface Way {
  readonly name: string;
  readonly url: string;
  readonly heads: readonly Buffer[];
  readonly rates: number[];
  readonly cpuUs: number[];
}

const folder = mkdtempSync(join(tmpdir(), "quarry-fids-"));
const port = await freePort();
const fidPort = await freePort();
const server = await startServer({
  data: folder,
  port,
  args: ["--single-process", "--fids", String(fidPort), "--scrub", "0"],
});

const headOf = (path: string, headers: Readonly<Record<string, string>>) =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n`,
  );

async function prepare(): Promise<Way[]> {
  const url = server.endpoint;
  const fidUrl = `http://127.0.0.1:${fidPort}`;
  await server.client.send(new CreateBucketCommand({ Bucket: "bench" }));
  await server.client.send(new CreateBucketCommand({ Bucket: "public", ACL: "public-read" }));
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = rootKeys;
  const sign = signer(
    {
      ...{ url, bucket: "bench", region: "us-east-1", signBody: false },
      credentials: { accessKey, secretKey },
    },
    Date.now(),
  );
  const authorization = `Basic ${Buffer.from(`${accessKey}:${secretKey}`).toString("base64")}`;
  const heads: Record<"signed" | "public" | "fid", Buffer[]> = { signed: [], public: [], fid: [] };
  for (let i = 0; i < files; i++) {
    const Body = systemRandom.bytes(Number(values.bytes));
    const Key = `object-${i}`;
    await server.client.send(new PutObjectCommand({ Bucket: "bench", Key, Body }));
    await server.client.send(
      new PutObjectCommand({ Bucket: "public", Key, Body, ACL: "public-read" }),
    );
    const stored = await fetch(`${fidUrl}/v1/bench`, {
      ...{ method: "POST", headers: { authorization }, body: Uint8Array.from(Body) },
    });
    const { TFS_FILE_NAME: name } = (await stored.json()) as { TFS_FILE_NAME: string };
    const path = `/bench/${Key}`;
    heads.signed.push(headOf(path, sign({ method: "GET", path, query: "", body: none })));
    heads.public.push(headOf(`/public/${Key}`, { host: new URL(url).host }));
    heads.fid.push(headOf(`/v1/bench/${name}`, { host: new URL(fidUrl).host }));
  }
  const way = (name: string, at: string, of: Buffer[]): Way => ({
    ...{ name, url: at, heads: of, rates: [], cpuUs: [] },
  });
  return [
    way("S3 GET, signed", url, heads.signed),
    way("S3 GET, public", url, heads.public),
    way("fid GET", fidUrl, heads.fid),
  ];
}

async function round({ url, heads, rates, cpuUs }: Way): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: lanes }, () => HttpConnection.open(url)),
  );
  const before = cpuMsOf(server.pid);
  const sinceMs = performance.now();
  const untilMs = sinceMs + seconds * 1000;
  let count = 0;
  await Promise.all(
    connections.map(async (connection, lane) => {
      for (let i = lane; performance.now() < untilMs; i += lanes) {
        const answer = await connection.send(heads[i % files] ?? none, none, false);
        if (answer.status !== 200 || answer.bodyBytes !== Number(values.bytes))
          throw new Error(`answered with ${answer.status}: ${answer.text}`);
        count++;
      }
    }),
  );
  rates.push((count / (performance.now() - sinceMs)) * 1000);
  cpuUs.push(((cpuMsOf(server.pid) - before) / count) * 1000);
  for (const connection of connections) connection[Symbol.dispose]();
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

try {
  const ways = await prepare();
  for (let i = 0; i < Number(values.rounds); i++) for (const way of ways) await round(way);
  const told = ways.map(({ name, rates, cpuUs }) => ({
    ...{ name, perSecond: Math.round(median(rates)), cpuUs: Math.round(median(cpuUs)) },
  }));
  const fid = told.at(-1);
  for (const { name, perSecond, cpuUs } of told) {
    const ratio = (fid?.perSecond ?? 0) / perSecond;
    const cpuRatio = cpuUs / (fid?.cpuUs ?? 1);
    console.log(
      `${name.padEnd(16)} ${String(perSecond).padStart(7)}/s  ${String(cpuUs).padStart(4)} µs CPU  fid is ${ratio.toFixed(2)} x (CPU ${cpuRatio.toFixed(2)} x)`,
    );
  }
  console.log(JSON.stringify({ bench: "fids", bytes: Number(values.bytes), lanes, told }));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
