/** What the FastDFS faces do with files when a command's outcome cannot be told, or others were there before. */
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { memoryStore } from "../../test/memory-store.ts";
import { Files } from "./files.ts";

const group = "group1";
const random = seededRandom(88);
let store: Store;

beforeEach(async () => {
  store = await memoryStore();
  await store.names.execute({ type: "createBucket", bucket: group, owner: "root" });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
});

const body = (bytes: Uint8Array) => ({
  lengthBytes: bytes.length,
  bytes: (async function* () {
    yield bytes;
  })(),
});

/** Files over a store whose commands go another way. */
function filesOver(execute: NameService["execute"] = (command) => store.names.execute(command)) {
  const names: NameService = Object.assign(Object.create(store.names) as NameService, { execute });
  const other: Store = Object.assign(Object.create(store) as Store, { names });
  return new Files({ store: other, clock: systemClock, random });
}

const upload = async (appender: boolean) =>
  await filesOver().upload(
    { group, source: "10.1.2.3" },
    { extension: "jpg", appender },
    body(Buffer.from("what it holds")),
  );

async function keys(): Promise<string[]> {
  const page = { bucket: group, prefix: "", delimiter: "", after: "", limit: 100 };
  return (await store.names.list(page)).objects.map(({ key }) => key);
}

test("the CRC32 that is told is that of the bytes that are there", async () => {
  const key = await upload(false);
  const files = filesOver();
  const named = await files.info(group, key, false);
  expect(named.crc32).toBe(crc32("what it holds"));
  const other = Buffer.from("what S3 put there");
  await store.put({ bucket: group, key }, body(other), () => ({ etag: "e" }));
  expect((await files.info(group, key, false)).crc32).toBe(undefined);
  expect((await files.info(group, key, true)).crc32).toBe(crc32(other));
});

describe("regenerating an appender file", () => {
  test.each([true, false])(
    "loses nothing when nobody can say whether the old name went (it did: %s)",
    async (went) => {
      const key = await upload(true);
      const files = filesOver(async (command) => {
        if (command.type !== "deleteObject" || command.key !== key)
          return await store.names.execute(command);
        if (went) await store.names.execute(command);
        throw new QuarryError("OutcomeUnknown", "the nameservers went away meanwhile");
      });
      await expect(files.regenerate(group, key)).rejects.toMatchObject({ code: "OutcomeUnknown" });
      const left = await keys();
      expect(left).toHaveLength(went ? 1 : 2);
      for (const one of left)
        expect((await files.info(group, one, true)).lengthBytes).toBe("what it holds".length);
    },
  );

  test("is undone when something was appended meanwhile", async () => {
    const key = await upload(true);
    const files = filesOver(async (command) => {
      if (command.type === "deleteObject" && command.key === key)
        await filesOver().append(group, key, body(Buffer.from(" and more")));
      return await store.names.execute(command);
    });
    await expect(files.regenerate(group, key)).rejects.toMatchObject({ code: "Busy" });
    expect(await keys()).toEqual([key]);
  });
});
