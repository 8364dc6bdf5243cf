/** FastDFS' ports of `quarry serve` as a program, with several gateways, over a sudden end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { fastdfsFrom } from "../../cli/serve/fastdfs-face.ts";
import { freePort, startServer } from "../server-process.ts";
import { padded, SmallClient } from "./small-client.ts";

test("what was acknowledged is there after a kill, at every gateway", async () => {
  const data = await mkdtemp(join(tmpdir(), "quarry-fastdfs-"));
  onTestFinished(() => rm(data, { recursive: true }));
  const [port, tracker, storage] = [await freePort(), await freePort(), await freePort()];
  const args = [
    ...["--gateways", "2", "--fastdfs-tracker", String(tracker)],
    ...["--fastdfs-storage", String(storage), "--fastdfs-groups", "group1", "pictures"],
  ];
  const random = seededRandom(1);
  const files = new Map<string, Buffer>();
  const log = { key: "", bytes: Buffer.alloc(0) };
  {
    await using server = await startServer({ data, port, args });
    await server.says(`pictures 127.0.0.1:${storage + 1}`);
    using asked = await SmallClient.to(tracker);
    const { body } = await asked.ask(104, [padded("pictures", 16)]);
    expect(Number(body.readBigInt64BE(31))).toBe(storage + 1);
    for (let i = 0; i < 12; i++) {
      // Connections go to the gateways in turns.
      using client = await SmallClient.to(storage);
      const bytes = random.bytes(i * 1000);
      if (i === 0) log.key = String(await client.upload(bytes, "log", 23));
      else if (i % 3 === 0) files.set(String(await client.upload(bytes, "bin")), bytes);
      else {
        expect(await client.append(log.key, bytes)).toBe(0);
        log.bytes = Buffer.concat([log.bytes, bytes]);
      }
    }
    await server.kill();
  }
  await using server = await startServer({ data, port, args });
  await server.says("tracker");
  for (let i = 0; i < 2; i++) {
    using client = await SmallClient.to(storage);
    expect((await client.download(log.key)).body.equals(log.bytes)).toBe(true);
    for (const [key, bytes] of files)
      expect((await client.download(key)).body.equals(bytes)).toBe(true);
  }
  expect(await server.stop()).toBe(0);
}, 120_000);

test("flags that do not fit each other are refused with what to do", () => {
  expect(fastdfsFrom({})).toBeUndefined();
  expect(() => fastdfsFrom({ fastdfsTracker: 1 })).toThrow("go together");
  expect(() => fastdfsFrom({ fastdfsTokens: "f" })).toThrow("--fastdfs");
  const both = { fastdfsTracker: 0, fastdfsStorage: 0 };
  for (const group of ["G1", "a", "with-dash", "x".repeat(17)])
    expect(() => fastdfsFrom({ ...both, fastdfsGroups: [group] })).toThrow("group's name");
  expect(() => fastdfsFrom({ ...both, fastdfsGroups: ["g11", "g11"] })).toThrow("once");
  expect(() => fastdfsFrom({ ...both, fastdfsAddress: "storage.example" })).toThrow("IP addresses");
  expect(fastdfsFrom({ ...both, fastdfsStorage: 23_000, fastdfsGroups: ["g11", "g12"] })).toEqual({
    groups: ["g11", "g12"],
    ports: { tracker: 0, storages: [23_000, 23_001] },
    tokensKeptMs: 900_000,
  });
});
