/** Disks that are full or cannot be written, under a real server: it says so, and loses nothing. */

import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { freePort, startServer } from "../server-process.ts";
import { failedStart } from "./failed-start.ts";
import { canMount, mountMemory } from "./private-mount.ts";
import { BUCKET, Stored } from "./stored.ts";

const MiB = 2 ** 20;
const args = ["--single-process"];

describe.runIf(canMount)("disks", () => {
  test("a disk that fills up to the reserve: writes are refused, reads and deletes go on", async () => {
    await using mount = await mountMemory(limits.deviceReserveBytes / MiB + 8);
    const options = {
      data: join(mount.path, "data"),
      port: await freePort(),
      within: mount.within,
      args,
    };
    const stored = new Stored();
    {
      await using server = await startServer(options);
      await stored.begin(server.client);
      const refused: unknown[] = [];
      for (let i = 0; i < 20; i++)
        await stored
          .put(server.client, `k${i}`, Buffer.alloc(MiB, i))
          .catch((error: unknown) => refused.push(error));
      expect(stored.size).toBeGreaterThan(0);
      expect(refused.length).toBeGreaterThan(2);
      for (const error of refused)
        expect(error).toMatchObject({
          name: "InsufficientStorage",
          $metadata: { httpStatusCode: 507 },
        });
      await stored.check(server.client);
      await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "k0" }));
      stored.forget("k0");
      // One line for all, without a stack.
      expect(server.output().match(/InsufficientStorage/g)?.length).toBe(1);
      expect(server.output()).not.toMatch(/"stack"|\n {4}at /);
    }
    await using again = await startServer(options);
    await stored.check(again.client);
  });

  test("a disk that others fill to the last byte: the store ends with a reason, and goes on when there is room", async () => {
    await using mount = await mountMemory(24);
    const options = {
      data: join(mount.path, "data"),
      port: await freePort(),
      within: mount.within,
      args,
    };
    const stored = new Stored();
    const filler = join(mount.seenFrom, "filler");
    {
      await using server = await startServer(options);
      await stored.begin(server.client);
      const { bavail, bsize } = await statfs(mount.seenFrom);
      await writeFile(filler, Buffer.alloc(bavail * bsize));
      let last: unknown;
      // What still has room in its files may still be done.
      for (let i = 0; i < 5000 && last === undefined; i++)
        await stored.put(server.client, `empty/${i}`, Buffer.alloc(0)).catch((error: unknown) => {
          last = error;
        });
      expect(last).toMatchObject({ name: "InsufficientStorage" });
      if (!server.running()) expect(server.output()).toMatch(/no room is left|no space left/);
    }
    expect(await failedStart(options)).toMatch(/no space left|no room/);
    await rm(filler);
    await using again = await startServer(options);
    await stored.check(again.client);
  });

  test("a disk that cannot be written: the start says so, and changes nothing", async () => {
    await using mount = await mountMemory(600);
    const options = {
      data: join(mount.path, "data"),
      port: await freePort(),
      within: mount.within,
      args,
    };
    const stored = new Stored();
    {
      await using server = await startServer(options);
      await stored.some(server.client);
      expect(await server.stop()).toBe(0);
    }
    mount.makeReadOnly();
    expect(await failedStart(options)).toMatch(
      /quarry: \S+ is on a disk that cannot be written .*another/,
    );
    const fresh = { ...options, data: join(mount.path, "fresh", "folder") };
    expect(await failedStart(fresh)).toMatch(/quarry: \S+ is on a disk that cannot be written/);
  });
});
