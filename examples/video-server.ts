/**
 * A server that players seek in: videos are streams of a GridFS bucket, and a Range reads only what it
 * touches. An upload under a name that is there makes a new revision; who watches the old one goes on.
 *
 *   npx node examples/video-server.ts ./videos      # http://127.0.0.1:8081
 *   curl -T holiday.mp4 -H 'Content-Type: video/mp4' http://127.0.0.1:8081/videos/holiday.mp4
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fastify, { type FastifyInstance } from "fastify";
import { type GridFSBucket, type GridFSFile, openStore } from "quarry";

const MOST_BYTES = 5 * 1024 ** 3;

interface Named {
  readonly Params: { readonly name: string };
}

/** The server over a bucket; who makes it listens. */
export function videoServer(videos: GridFSBucket): FastifyInstance {
  const app = fastify({ bodyLimit: MOST_BYTES });
  // Bodies are handed on as they come.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));

  app.get("/", async (_request, reply) => {
    const names = new Set<string>();
    for await (const { filename } of videos.find().sort({ filename: 1 })) names.add(filename);
    const shown = [...names].map(
      (name) => `<video controls src="/videos/${encodeURIComponent(name)}">`,
    );
    return reply.type("text/html").send(`<!doctype html><title>Videos</title>${shown.join("\n")}`);
  });

  app.put<Named>("/videos/:name", async (request, reply) => {
    const contentType = request.headers["content-type"] ?? "video/mp4";
    const upload = videos.openUploadStream(request.params.name, { contentType });
    // Of an upload that breaks off nothing is left.
    await pipeline(request.body as Readable, upload);
    return reply.code(201).send({ id: String(upload.id), length: upload.length });
  });

  app.get<Named>("/videos/:name", async (request, reply) => {
    const file = await newest(videos, request.params.name);
    if (file === undefined) return reply.code(404).send({ message: "There is no such video." });
    const { _id, length, contentType = "video/mp4", uploadDate } = file;
    const etag = `"${_id}"`;
    reply.headers({ "accept-ranges": "bytes", "content-type": contentType, etag });
    reply.header("last-modified", uploadDate.toUTCString());
    const { range, "if-range": seen = etag } = request.headers;
    const part = seen === etag ? partOf(range, length) : "all";
    if (part === "nothing")
      return reply.code(416).header("content-range", `bytes */${length}`).send();
    const { start, end } = part === "all" ? { start: 0, end: length } : part;
    if (part !== "all")
      reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${length}`);
    reply.header("content-length", end - start);
    const isHead = request.method === "HEAD";
    return reply.send(isHead ? Readable.from([]) : videos.openDownloadStream(_id, { start, end }));
  });

  app.delete<Named>("/videos/:name", async (request, reply) => {
    await videos.deleteByName(request.params.name);
    return reply.code(204).send();
  });
  return app;
}

async function newest(videos: GridFSBucket, filename: string): Promise<GridFSFile | undefined> {
  return (await videos.find({ filename }).sort({ uploadDate: -1 }).limit(1).next()) ?? undefined;
}

/** What one `Range: bytes=…` asks for; several at once are answered with all, as they may be. */
function partOf(range: string | undefined, length: number) {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined || to === undefined || from + to === "") return "all";
  const start = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? length : Math.min(Number(to) + 1, length);
  return start < end ? { start, end } : "nothing";
}

if (import.meta.main) {
  const store = await openStore(process.argv[2] ?? "./videos");
  await videoServer(store.streams("videos")).listen({ port: 8081 });
  process.stdout.write("Videos are at http://127.0.0.1:8081\n");
}
