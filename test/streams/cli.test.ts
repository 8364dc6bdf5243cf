/** `quarry stream` as people type it, on a running `quarry serve`. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { startCli } from "../cli-process.ts";
import { freePort, type ServerProcess, startServer } from "../server-process.ts";

let home = "";
let data = "";
let server: ServerProcess;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "quarry-stream-"));
  data = join(home, "data");
  server = await startServer({ data, port: await freePort() });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function stream(input: string, ...args: readonly string[]) {
  const at = { endpoint: server.endpoint, home };
  const { child, ended } = startCli(at, "stream", ...args, "--store", data);
  child.stdin?.end(input);
  return await ended;
}

const lines = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("files are put, listed, fetched by revision and removed", async () => {
  const content = seededRandom(1).bytes(9_000_000);
  const film = join(home, "film.bin");
  await writeFile(film, content);
  const put = await stream("", "put", film, "videos", "--json", "--metadata", '{"by":"me"}');
  const [first] = lines(put.out);
  expect(first).toMatchObject({
    ...{ filename: "film.bin", bytes: 9_000_000, metadata: { by: "me" } },
    id: expect.stringMatching(/^[0-9a-f]{24}$/),
  });
  const typed = await stream("typed", "put", "-", "videos/film.bin", "--id", "a/b");
  expect(typed.out).toMatch(/^stored film\.bin as a\/b: 5 B in /);
  expect(typed.out).toContain(`next: quarry stream get videos/film.bin --store ${data}\n`);
  const read = ["videos/film.bin", "-"];
  const [newest, byId, oldest, listed] = await Promise.all([
    stream("", "get", ...read),
    stream("", "get", "videos/a/b", "-", "--id"),
    stream("", "get", "videos/film.bin", "old.bin", "--revision", "0"),
    stream("", "ls", "--json", "videos"),
  ]);
  expect([newest.out, byId.out]).toEqual(["typed", "typed"]);
  expect(oldest).toMatchObject({ code: 0, err: "" });
  expect((await readFile(join(home, "old.bin"))).equals(content)).toBe(true);
  expect(lines(listed.out).map(({ id }) => id)).toEqual([first?.["id"], "a/b"]);
  const one = await stream("", "rm", "videos/film.bin", "--revision", "-1", "--json");
  expect(lines(one.out)).toEqual([{ deleted: "film.bin", ids: ["a/b"] }]);
  expect((await stream("", "rm", "videos/film.bin")).out).toBe("deleted film.bin: 1 revision\n");
  expect((await stream("", "ls", "videos")).out).toBe("");
});

test("what is not there, or wrong, ends with its code and a word", async () => {
  const [missing, none, noName, noFilename, folder, noDocument] = await Promise.all([
    stream("", "get", "videos/none", "out"),
    stream("", "rm", "videos/none", "--json"),
    stream("", "get", "videos"),
    stream("", "put", "-", "videos"),
    stream("", "put", home, "videos/x"),
    stream("", "put", "-", "b/x", "--metadata", "1"),
  ]);
  expect(missing).toMatchObject({ code: 4, out: "" });
  expect(missing.err).toContain(`\`quarry stream ls videos --store ${data}\``);
  await expect(readFile(join(home, "out"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(none).toMatchObject({
    code: 4,
    err: expect.stringContaining('{"error":"NoSuchKey"') as string,
  });
  expect([noName.code, noFilename.code, folder.code]).toEqual([2, 2, 2]);
  expect(noDocument.err).toContain("document as JSON");
});
