/** The wall clock of a nameserver jumps by hours while it leads: what waits for a time goes on as before. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlobId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { deviceId, serverId } from "../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import { openNameserver } from "./nameserver.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const address = (n: number) => `10.0.0.${n}:7101`;

async function scene(directory: string) {
  let jumpedMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + jumpedMs };
  const names = await openNameserver({
    ...{ disk: nodeDisk, clock, random: systemRandom, directory, durability: "none" },
    ...{ blocks: new FakeBlocks(deviceId(1)), settleMs: MINUTE_MS, report: () => undefined },
    ...{ holdMs: HOUR_MS, workersPauseMs: 5 },
  });
  for (const n of [1, 2, 3])
    await names.execute({
      ...({ type: "registerDataserver", server: serverId(n), address: address(n) } as const),
      ...{ location: { host: `h${n}` }, version: "1", devices: [] },
    });
  const beat = async () => {
    for (const n of [1, 2, 3])
      await names.liveness.heartbeat({
        ...{ server: serverId(n), address: address(n), devices: [], wallMs: systemClock.nowMs() },
      });
    await new Promise((later) => setTimeout(later, 250));
  };
  const jump = (byMs: number) => {
    jumpedMs += byMs;
  };
  const put = async (key: string) => {
    const blob = (await names.leaseBlobs(1)) as BlobId;
    const content = { blob, lengthBytes: 0, registered: 0, chunks: [] };
    const result = await names.execute({
      ...({ type: "putObject", bucket: "b", key, content } as const),
      attributes: { etag: "e", owner: "me", storageClass: "STANDARD" } as never,
    });
    return result.type === "version" ? result.modifiedMs - systemClock.nowMs() : Number.NaN;
  };
  return { names, beat, jump, put };
}

test.each([5 * HOUR_MS, -5 * HOUR_MS])("by %d ms", async (byMs) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-jumps-"));
  const { names, beat, jump, put } = await scene(join(folder.path, "ns"));
  await using _ = names;
  await names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await beat();
  await beat();
  await put("held");
  await names.execute({ type: "deleteObject", bucket: "b", key: "held" });
  const session = await names.openSession();
  const upload = await names.execute({
    ...({ type: "createUpload", bucket: "b", key: "slow" } as const),
    attributes: { owner: "me", storageClass: "STANDARD" } as never,
  });
  jump(byMs);
  await beat();
  // What is changed now has the time of now; what was held is held; sessions and uploads go on.
  expect(Math.abs(await put("later"))).toBeLessThan(MINUTE_MS);
  await names.execute({ type: "undelete", bucket: "b", key: "held" });
  const once = { session, sequence: 1 };
  await names.execute({ type: "deleteObject", bucket: "b", key: "later" }, once);
  expect(upload.type).toBe("upload");
  const { uploads } = await names.uploads({
    ...{ bucket: "b", prefix: "", delimiter: "", keyAfter: "", uploadAfter: "", limit: 9 },
  });
  expect(uploads.map(({ key }) => key)).toEqual(["slow"]);
  // Holds still end: this one of a second delete is due in an hour, by the same time.
  const { untilMs = 0 } =
    (await names.deleted({ bucket: "b", prefix: "", after: "", limit: 9 })).at(0) ?? {};
  expect(Math.abs(untilMs - systemClock.nowMs() - HOUR_MS)).toBeLessThan(MINUTE_MS);
});
