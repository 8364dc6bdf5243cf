import { beforeEach, expect, test } from "vitest";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const at = { bucket: "b", key: "k" };
let state: MemoryState;
let machine: StateMachine;
let needles: number;

async function run(command: AnyCommand): Promise<AnyResult> {
  const index = machine.applied + 1;
  const [outcome] = await machine.applyRun([commandEntry(index, 1000 * index, command)]);
  if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
  return outcome.result;
}

function content(lengthBytes: number) {
  const needle = BigInt(++needles) as NeedleId;
  const chunks = [{ block: 1 as BlockId, needle, lengthBytes, crc32c: 0 }];
  return { blob: needles as BlobId, lengthBytes, registered: 0, chunks };
}

const put = (lengthBytes: number) =>
  run({ type: "putObject", ...at, content: content(lengthBytes), attributes: { etag: "e" } });

async function upload(): Promise<string> {
  const created = await run({ type: "createUpload", ...at, attributes: {} });
  return created.type === "upload" ? created.upload : "";
}

const putPart = (id: string, part: number, lengthBytes: number) =>
  run({ type: "putPart", ...at, upload: id, part, content: content(lengthBytes), etag: "p" });

const tooMuch = { code: "QuotaExceeded" };

beforeEach(async () => {
  state = new MemoryState();
  machine = new StateMachine(state);
  needles = 0;
  await run({ type: "leaseBlobs", count: 100 });
  const members = ["disk" as DeviceId];
  await run({ type: "addBlock", block: 1 as BlockId, generation: 1, pool: 0, members });
  await run({ type: "createBucket", bucket: "b", owner: "me" });
  await run({ type: "configureBucket", bucket: "b", change: { quota: { bytes: 100 } } });
});

test("parts of uploads in progress count, and no more when the upload ends", async () => {
  const first = await upload();
  await putPart(first, 1, 60);
  await expect(putPart(first, 2, 41)).rejects.toMatchObject(tooMuch);
  await expect(put(41)).rejects.toMatchObject(tooMuch);
  await putPart(first, 1, 30);
  await put(41);
  await audit(state, machine.digest);
  await run({ type: "abortUpload", ...at, upload: first });
  await put(100);
  await audit(state, machine.digest);
});

test("an upload that is complete counts once", async () => {
  const id = await upload();
  await putPart(id, 1, 80);
  await putPart(id, 2, 20);
  const parts = [{ part: 1, etag: "p" }];
  await run({ type: "stageParts", ...at, upload: id, staged: 0, parts });
  await run({ type: "completeUpload", ...at, upload: id, staged: 1, etag: "e-1" });
  await audit(state, machine.digest);
  await expect(put(101)).rejects.toMatchObject(tooMuch);
  await put(100);
});

test("a user's quota is over all buckets", async () => {
  const quota = { bytes: 50 };
  await run({ type: "putUser", user: { id: "me", displayName: "Me", quota } });
  await put(50);
  await run({ type: "createBucket", bucket: "c", owner: "me" });
  const other = { bucket: "c", key: "k" };
  const id = await run({ type: "createUpload", ...other, attributes: {} });
  const part = { part: 1, content: content(1), etag: "p" };
  const named = id.type === "upload" ? id.upload : "";
  await expect(run({ type: "putPart", ...other, upload: named, ...part })).rejects.toMatchObject(
    tooMuch,
  );
});
