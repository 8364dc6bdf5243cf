/**
 * A site to which pictures are uploaded. It has the store in its own process: node:http, a folder, and
 * nothing else to run.
 *
 *   npx node examples/image-site.ts ./pictures      # http://127.0.0.1:8080
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { type Bucket, openStore } from "quarry";

const TYPES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const MOST_BYTES = 20 * 1024 * 1024;

const PAGE = `<!doctype html>
<title>Pictures</title>
<input type="file" accept="image/*" multiple>
<p id="pictures"></p>
<script>
  const show = async () => {
    const names = await (await fetch("/images")).json();
    pictures.replaceChildren(...names.map((name) => {
      const picture = new Image(200);
      picture.src = "/images/" + name;
      return picture;
    }));
  };
  document.querySelector("input").onchange = async ({ target }) => {
    for (const file of target.files) await fetch("/images", { method: "POST", body: file });
    await show();
  };
  show();
</script>`;

/** The site over a bucket; who makes it listens. */
export function imageSite(pictures: Bucket): Server {
  return createServer((request, response) => {
    answer(pictures, request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy(error);
      else reply(response, 500, "text/plain", error.message);
    });
  });
}

async function answer(pictures: Bucket, request: IncomingMessage, response: ServerResponse) {
  const { method, url = "/" } = request;
  const [, folder, name] = url.split("/");
  if (method === "GET" && url === "/") return reply(response, 200, "text/html", PAGE);
  if (folder !== "images") return reply(response, 404, "text/plain", "There is no such page.");
  if (name === undefined && method === "POST") return await upload(pictures, request, response);
  if (name === undefined && method === "GET") {
    const names: string[] = [];
    for await (const { key } of pictures.list()) names.push(key);
    return reply(response, 200, "application/json", JSON.stringify(names));
  }
  if (name !== undefined && method === "GET") return await send(pictures, name, response);
  if (name !== undefined && method === "DELETE") {
    await pictures.delete(name);
    return response.writeHead(204).end();
  }
  return reply(response, 405, "text/plain", "That cannot be done here.");
}

async function upload(pictures: Bucket, request: IncomingMessage, response: ServerResponse) {
  const contentType = request.headers["content-type"] ?? "";
  if (!TYPES.has(contentType))
    return reply(response, 415, "text/plain", "A picture is PNG, JPEG, GIF or WebP.");
  if (Number(request.headers["content-length"] ?? MOST_BYTES + 1) > MOST_BYTES)
    return reply(response, 413, "text/plain", "A picture has at most 20 MiB.");
  const name = randomUUID();
  // When this resolves, the picture is on the disk. A sender that goes away leaves nothing behind.
  await pictures.put(name, request, { contentType });
  response.setHeader("Location", `/images/${name}`);
  return reply(response, 201, "text/plain", name);
}

async function send(pictures: Bucket, name: string, response: ServerResponse) {
  const picture = await pictures.get(name);
  if (picture === undefined) return reply(response, 404, "text/plain", "There is no such picture.");
  const { contentType = "", lengthBytes, etag } = picture.stat;
  response.writeHead(200, {
    ...{ "content-type": contentType, "content-length": lengthBytes, etag: `"${etag}"` },
    ...{ "cache-control": "immutable, max-age=31536000", "x-content-type-options": "nosniff" },
  });
  await pipeline(picture.stream(), response);
}

function reply(response: ServerResponse, status: number, contentType: string, text: string) {
  response.writeHead(status, { "content-type": `${contentType}; charset=utf-8` }).end(text);
}

if (import.meta.main) {
  const store = await openStore(process.argv[2] ?? "./pictures");
  imageSite(await store.bucket("pictures")).listen(8080, "127.0.0.1", () => {
    process.stdout.write("Pictures are at http://127.0.0.1:8080\n");
  });
}
