/**
 * The yardstick: node:http moving the same bytes and doing nothing else. PUT reads the body and
 * drops it (with --md5 it is hashed); GET sends a buffer of the size that the path names.
 */
import console from "node:console";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { Command } from "commander";
import { sizeInPath } from "./workloads.ts";

const BODY_BYTES_MAX = 64 << 20;

const flags = new Command("raw-server")
  .option("--port <n>", "0 takes a free one", "0")
  .option("--md5", "hash what is put, as S3's ETag needs it")
  .parse()
  .opts<{ port: string; md5?: true }>();

const body = Buffer.alloc(BODY_BYTES_MAX, "quarry bench ");

const server = createServer((request, response) => {
  if (request.method === "GET") {
    const bytes = Math.min(sizeInPath(request.url ?? ""), BODY_BYTES_MAX);
    response.writeHead(200, { "content-length": bytes });
    response.end(body.subarray(0, bytes));
    return;
  }
  const hash = flags.md5 ? createHash("md5") : undefined;
  request.on("data", (chunk: Buffer) => hash?.update(chunk));
  request.on("end", () => {
    const etag = hash === undefined ? "none" : hash.digest("hex");
    response.writeHead(200, { etag: `"${etag}"`, "content-length": 0 });
    response.end();
  });
});

server.listen(Number(flags.port), "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    console.log(`ready http://127.0.0.1:${address.port}`);
});
