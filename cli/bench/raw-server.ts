/**
 * The yardstick: node:http moving the same bytes and doing nothing else. PUT reads the body and
 * drops it (with --md5 it is hashed, with --store it goes into a file of its own, synced before the
 * answer: what a durable PUT costs at least where one file is one object); GET sends a buffer of the size that the path names.
 */
import console from "node:console";
import { createHash } from "node:crypto";
import { closeSync, fdatasync, openSync, write } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";

const BODY_BYTES_MAX = 64 << 20;

/** `/bucket/run/SIZE/…`: keys of the load tell it how large their objects are. */
const sizeInPath = (path: string) => Number(path.split("/")[3] ?? 0);

const flags = new Command("raw-server")
  .option("--port <n>", "0 takes a free one", "0")
  .option("--md5", "hash what is put, as S3's ETag needs it")
  .option(
    "--store <folder>",
    "keep what is put, each body in a file, on the disk before the answer",
  )
  .parse()
  .opts<{ port: string; md5?: true; store?: string }>();

const writing = promisify(write);
const syncing = promisify(fdatasync);
let files = 0;

const body = Buffer.alloc(BODY_BYTES_MAX, "quarry bench ");

const server = createServer((request, response) => {
  if (request.method === "GET") {
    const bytes = Math.min(sizeInPath(request.url ?? ""), BODY_BYTES_MAX);
    response.writeHead(200, { "content-length": bytes });
    response.end(body.subarray(0, bytes));
    return;
  }
  const hash = flags.md5 ? createHash("md5") : undefined;
  const answer = () => {
    const etag = hash === undefined ? "none" : hash.digest("hex");
    response.writeHead(200, { etag: `"${etag}"`, "content-length": 0 });
    response.end();
  };
  if (flags.store !== undefined) {
    store(flags.store, request, (chunk) => hash?.update(chunk)).then(answer, (error: unknown) => {
      console.error(error);
      response.destroy();
    });
    return;
  }
  request.on("data", (chunk: Buffer) => hash?.update(chunk));
  request.on("end", answer);
});

async function store(
  folder: string,
  request: IncomingMessage,
  see: (chunk: Buffer) => void,
): Promise<void> {
  const fd = openSync(join(folder, String(files++)), "wx");
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      see(chunk);
      await writing(fd, chunk);
    }
    await syncing(fd);
  } finally {
    closeSync(fd);
  }
}

server.listen(Number(flags.port), "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null)
    console.log(`ready http://127.0.0.1:${address.port}`);
});
