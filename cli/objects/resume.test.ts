/** Uploads and downloads that a kill -9 of the command line ends go on where they stopped. */
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { startCli } from "../../test/cli-process.ts";
import { type HoldingProxy, startHoldingProxy } from "../../test/holding-proxy.ts";
import { freePort, type ServerProcess, startServer } from "../../test/server-process.ts";

const MiB = 1024 * 1024;
const PARTS = 8;
const content = Buffer.alloc(PARTS * 5 * MiB - 12_345);
seededRandom(7)
  .bytes(64 * 1024)
  .copy(content);
for (let at = 64 * 1024; at < content.length; at *= 2) content.copy(content, at, 0, at);
for (let i = 0; i < content.length; i += 65_537) content[i] = i >> 8;

let folder: string;
let server: ServerProcess;
let proxy: HoldingProxy;
const home = () => ({ endpoint: proxy.endpoint, home: folder });
const isPart = (line: string) => line.startsWith("PUT") && line.includes("partNumber=");
const isRange = (line: string) => line.startsWith("GET /resume-bucket/");
const count = (is: (line: string) => boolean) => proxy.seen.filter(is).length;

async function quarry(...args: string[]) {
  return startCli(home(), ...args).ended;
}

/** Runs until the request is held, then kills with SIGKILL. */
async function killAtHold(hold: HoldingProxy["hold"], ...args: string[]): Promise<void> {
  proxy.rearm();
  proxy.hold = hold;
  const { child, ended } = startCli(home(), ...args);
  await Promise.race([
    proxy.held,
    ended.then(({ err }) => {
      throw new Error(`it ended before it was killed: ${err}`);
    }),
  ]);
  child.kill("SIGKILL");
  await ended;
  proxy.hold = () => false;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-resume-"));
  server = await startServer({ data: join(folder, "data"), port: await freePort() });
  proxy = await startHoldingProxy(server.endpoint);
  await writeFile(join(folder, "big"), content);
  expect((await quarry("mb", "s3://resume-bucket")).code).toBe(0);
});

beforeEach(() => {
  proxy.seen.length = 0;
  proxy.hold = () => false;
  proxy.cutAfter = () => undefined;
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server.kill();
  await rm(folder, { recursive: true });
});

const put = ["put", "--part-size", "5M", "--parallel", "2", "big", "s3://resume-bucket/up"];

test("an upload goes on where it was killed, without sending again what is there", async () => {
  let parts = 0;
  await killAtHold((line) => isPart(line) && ++parts > 4, ...put);
  proxy.seen.length = 0;
  const { code, out } = await quarry(...put);
  expect(code).toBe(0);
  expect(out).toMatch(/were there already; verified: CRC32C/);
  const again = count(isPart);
  expect(again).toBeGreaterThan(0);
  expect(again).toBeLessThanOrEqual(PARTS - 3);
  expect((await quarry("get", "s3://resume-bucket/up", "up-back")).code).toBe(0);
  expect((await readFile(join(folder, "up-back"))).equals(content)).toBe(true);
  expect(await readdir(join(folder, "state", "quarry"))).toEqual([]);
});

test("a file that has changed since is sent from its first part, and the old parts are given up", async () => {
  let parts = 0;
  await killAtHold((line) => isPart(line) && ++parts > 4, ...put);
  const file = await open(join(folder, "big"), "r+");
  await file.write("changed", 0);
  await file.close();
  proxy.seen.length = 0;
  const { code } = await quarry(...put);
  expect(code).toBe(0);
  expect(count(isPart)).toBe(PARTS);
  expect((await quarry("ls", "--uploads", "s3://resume-bucket")).out).toBe("");
  await quarry("get", "s3://resume-bucket/up", "up-back");
  expect((await readFile(join(folder, "up-back"))).subarray(0, 7).toString()).toBe("changed");
  await writeFile(join(folder, "big"), content);
});

const get = ["get", "--part-size", "5M", "--parallel", "2", "s3://resume-bucket/down", "down"];
const store = (body: Buffer) =>
  server.client.send(new PutObjectCommand({ Bucket: "resume-bucket", Key: "down", Body: body }));

test("a download goes on where it was killed; what the disk lost or changed since comes again", async () => {
  await store(content);
  let ranges = 0;
  await killAtHold((line) => isRange(line) && ++ranges > 5, ...get);
  const part = (await readdir(folder)).find((name) => name.endsWith(".part"));
  expect(part).toBeDefined();
  const file = await open(join(folder, part ?? ""), "r+");
  await file.write("damaged", 100);
  await file.close();
  proxy.seen.length = 0;
  const { code, out } = await quarry(...get);
  expect(code).toBe(0);
  expect(out).toMatch(/were there already; verified: CRC32/);
  const again = count(isRange);
  expect(again).toBeGreaterThan(1);
  expect(again).toBeLessThanOrEqual(PARTS - 3);
  expect((await readFile(join(folder, "down"))).equals(content)).toBe(true);
  expect((await readdir(folder)).filter((name) => name.startsWith(".quarry-"))).toEqual([]);
});

test("an object that was replaced since comes whole", async () => {
  await store(content);
  let ranges = 0;
  await killAtHold((line) => isRange(line) && ++ranges > 5, ...get);
  const other = Buffer.from(content).fill(7, 0, 100);
  await store(other);
  proxy.seen.length = 0;
  expect((await quarry(...get)).code).toBe(0);
  expect(count(isRange)).toBe(PARTS);
  expect((await readFile(join(folder, "down"))).equals(other)).toBe(true);
});

test("a connection that breaks in the middle of a body costs only the rest of it", async () => {
  await store(content);
  let cut = 0;
  proxy.cutAfter = (line) => (isRange(line) && ++cut % 3 === 0 ? 1000 : undefined);
  expect((await quarry(...get)).code).toBe(0);
  expect(cut).toBeGreaterThan(PARTS);
  expect((await readFile(join(folder, "down"))).equals(content)).toBe(true);
});
