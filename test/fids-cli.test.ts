/** `quarry file` as people type it, on a running `quarry serve` with the fid face open. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { seededRandom } from "../base/random.ts";
import { startCli } from "./cli-process.ts";
import { freePort, type ServerProcess, startServer } from "./server-process.ts";

const LONG_MS = 60_000;
let home = "";
let data = "";
let fidPort = 0;
let server: ServerProcess;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "quarry-file-"));
  data = join(home, "data");
  fidPort = await freePort();
  const args = ["--fids", String(fidPort), "--gateways", "2"];
  server = await startServer({ data, port: await freePort(), args });
  await server.client.send(new CreateBucketCommand({ Bucket: "shop" }));
}, LONG_MS);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function file(input: string, ...args: readonly string[]) {
  const { child, ended } = startCli({ endpoint: server.endpoint, home }, "file", ...args);
  child.stdin?.end(input);
  return await ended;
}

const online = (input: string, ...args: readonly string[]) => file(input, ...args, "--store", data);
const told = ({ out }: { out: string }) => JSON.parse(out) as Record<string, unknown>;

test(
  "files are put, told of, fetched, hidden and removed",
  async () => {
    const line = `fids         http://127.0.0.1:${fidPort}`;
    await vi.waitFor(() => expect(server.output()).toContain(line), LONG_MS);
    const content = seededRandom(1).bytes(5_000_000);
    await writeFile(join(home, "film.mp4"), content);
    expect((await online("", "put", "film.mp4", "none")).err).toContain("`quarry mb` makes one");
    const [large, typed] = await Promise.all([
      online("", "put", "film.mp4", "shop", "--json"),
      online("typed", "put", "-", "shop", "--json"),
    ]);
    const film = String(told(large)["name"]);
    const note = String(told(typed)["name"]);
    expect(film).toMatch(/^L1.{16}\.mp4$/);
    expect(note).toMatch(/^T1.{16}$/);
    const key = String(told(await file("", "info", film, "--json"))["key"]);
    const head = new HeadObjectCommand({ Bucket: "shop", Key: key });
    expect((await server.client.send(head)).ContentLength).toBe(content.length);
    const [fetched, read, info] = await Promise.all([
      online("", "get", `shop/${film}`, "copy.mp4"),
      online("", "get", `shop/${note}`, "-"),
      online("", "info", `shop/${note}`, "--json"),
    ]);
    expect(fetched).toMatchObject({ code: 0, err: "" });
    expect((await readFile(join(home, "copy.mp4"))).equals(content)).toBe(true);
    expect(read.out).toBe("typed");
    expect(told(info)).toMatchObject({ kind: "T", bucket: "shop", bytes: 5, hidden: false });
    const url = `http://127.0.0.1:${fidPort}/v1/shop/${note}`;
    expect(await (await fetch(url)).text()).toBe("typed");
    expect((await online("", "rm", "--hide", `shop/${note}`)).out).toBe(`hidden shop/${note}\n`);
    expect(await online("", "get", `shop/${note}`, "-")).toMatchObject({ code: 4 });
    expect((await online("", "rm", "--reveal", `shop/${note}`)).code).toBe(0);
    const gone = await online("", "rm", `shop/${note}`, `shop/${film}`, "--json");
    expect(gone).toMatchObject({ code: 0, err: "" });
    expect(await online("", "rm", `shop/${note}`)).toMatchObject({ code: 4 });
  },
  LONG_MS,
);

test("a name tells block, needle and suffix without any store", async () => {
  const info = await file("", "info", "T19RETByJT1RXrhCrK.jpg", "--json");
  expect(told(info)).toEqual({
    ...{ name: "T19RETByJT1RXrhCrK.jpg", kind: "T", block: 101 },
    ...{ needle: "0000000000000001", suffix: ".jpg" },
  });
  expect((await file("", "info", "L19RETByJT1RCvBVdK")).out).toContain("block    101");
  expect(await file("", "info", "photos/cat.jpg")).toMatchObject({ code: 2 });
});

test("what is not there, or wrong, ends with its code and a word", async () => {
  const [missing, noBucket, noName] = await Promise.all([
    online("", "get", "shop/T19RETByJT1RXrhCrK.jpg", "-"),
    online("x", "put", "-", "nobody"),
    online("", "rm", "T19RETByJT1RXrhCrK.jpg"),
  ]);
  expect(missing).toMatchObject({ code: 4, err: expect.stringContaining("no file of this name") });
  expect(noBucket.code).toBe(4);
  expect(noName).toMatchObject({ code: 2, err: expect.stringContaining("in which bucket") });
});
