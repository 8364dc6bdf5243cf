import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeDisk } from "../../base/disk-node.ts";
import { seededRandom } from "../../base/random.ts";
import { credentialsPath, rootCredentials, sourcingLine } from "./root-credentials.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-credentials-"));
});
afterEach(() => rm(directory, { recursive: true }));

const start = (seed: number, environment: Record<string, string> = {}) =>
  rootCredentials(
    nodeDisk,
    seededRandom(seed),
    credentialsPath(directory),
    "http://127.0.0.1:9000",
    environment,
  );

test("the first start makes keys, the next ones keep them", async () => {
  const first = await start(1);
  expect(first.secretKey.length).toBeGreaterThanOrEqual(40);
  expect(await start(2)).toEqual(first);
});

test("only the owner can read the file", async () => {
  await start(1);
  expect((await stat(credentialsPath(directory))).mode & 0o777).toBe(0o600);
});

test("keys of the environment win, are kept, and survive quotes", async () => {
  const keys = { QUARRY_ROOT_ACCESS_KEY: "root", QUARRY_ROOT_SECRET_KEY: "it's-a-secret'" };
  const expected = { accessKey: "root", secretKey: "it's-a-secret'" };
  expect(await start(1, keys)).toEqual(expected);
  expect(await start(1)).toEqual(expected);
  expect(await readFile(credentialsPath(directory), "utf8")).toContain("AWS_ENDPOINT_URL=");
});

test.each([
  [{ QUARRY_ROOT_ACCESS_KEY: "root" }, /SECRET_KEY/],
  [{ QUARRY_ROOT_ACCESS_KEY: "root", QUARRY_ROOT_SECRET_KEY: "short" }, /8 to 128/],
  [{ QUARRY_ROOT_ACCESS_KEY: "r t", QUARRY_ROOT_SECRET_KEY: "long enough" }, /ACCESS_KEY/],
])("keys that cannot work are refused in words: %j", async (environment, message) => {
  await expect(start(1, environment)).rejects.toThrow(message);
});

test.each(["nonsense", "", "AWS_ACCESS_KEY_ID='root'\nAWS_SECRET_ACCESS_KEY='cut"])(
  "a damaged file is named and never replaced silently: %j",
  async (content) => {
    await writeFile(credentialsPath(directory), content);
    await expect(start(1)).rejects.toThrow(/root-credentials holds no keys/);
    expect(await readFile(credentialsPath(directory), "utf8")).toBe(content);
  },
);

test("a shell takes the line to paste, whatever the folder is called", async () => {
  const odd = await mkdtemp(join(directory, "it's a $folder "));
  const { secretKey } = await rootCredentials(
    nodeDisk,
    seededRandom(1),
    credentialsPath(odd),
    "http://x",
    {},
  );
  const line = `${sourcingLine(credentialsPath(odd))}; printf %s "$AWS_SECRET_ACCESS_KEY"`;
  expect(execFileSync("sh", ["-c", line], { encoding: "utf8" })).toBe(secretKey);
});
