import { beforeEach, describe, expect, test } from "vitest";
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { lookup } from "../queries/lookup.ts";
import { versions } from "../queries/versions.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const named = { bucket: "b", key: "k" } as const;
const block = 1 as BlockId;

let state: MemoryState;
let machine: StateMachine;
let blob = 0;

async function run(command: AnyCommand): Promise<AnyResult> {
  const index = machine.applied + 1;
  const [outcome] = await machine.applyRun([commandEntry(index, 1000 * index, command)]);
  await audit(state, machine.digest);
  if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
  return outcome.result;
}

beforeEach(async () => {
  state = new MemoryState();
  machine = new StateMachine(state);
  blob = 0;
  await run({ type: "leaseBlobs", count: 100 });
  await run({ type: "addBlock", block, generation: 1, pool: 0, members: [] });
  await run({ type: "createBucket", bucket: "b", owner: "me" });
});

async function put(etag: string): Promise<string> {
  blob++;
  const chunk = { block, needle: BigInt(blob) as NeedleId, lengthBytes: 10, crc32c: 0 };
  const content = { blob: blob as BlobId, lengthBytes: 10, registered: 0, chunks: [chunk] };
  const result = await run({ type: "putObject", ...named, content, attributes: { etag } });
  return result.type === "version" ? result.version : "";
}

const remove = (version?: string) =>
  run({ type: "deleteObject", ...named, ...(version !== undefined && { version }) });
const undelete = () => run({ type: "undelete", ...named });
const set = (versioning: "enabled" | "suspended") =>
  run({ type: "configureBucket", bucket: "b", change: { versioning } });
const etag = async () => (await lookup(state, named)).object.attributes.etag;

async function all(): Promise<string[]> {
  const page = { bucket: "b", prefix: "", delimiter: "", keyAfter: "", versionAfter: "", limit: 9 };
  const found = await versions(state, page);
  return found.versions.map((one) => (one.deleteMarker ? "marker" : one.attributes.etag));
}

describe("undelete brings back what was there before the last delete", () => {
  test("a version that a marker hides, also when an older one is held", async () => {
    await set("enabled");
    const first = await put("1");
    await put("2");
    await remove(first);
    await remove();
    await undelete();
    expect(await etag()).toBe("2");
    expect(await all()).toEqual(["2"]);
  });

  test("a version under several markers", async () => {
    await set("enabled");
    await put("1");
    for (let i = 0; i < 3; i++) await remove();
    await undelete();
    expect(await all()).toEqual(["1"]);
  });

  test("a version that was deleted by its id, when the markers hide nothing or hid something before", async () => {
    await set("enabled");
    const first = await put("1");
    await remove(first);
    await remove();
    await undelete();
    expect(await all()).toEqual(["1", "marker"]);

    await remove();
    const second = await put("2");
    await remove(second);
    await remove();
    await undelete();
    expect(await etag()).toBe("2");
  });

  test("the null version that a suspended delete took away, not an older one under its marker", async () => {
    await set("enabled");
    await put("1");
    await set("suspended");
    await put("2");
    await remove();
    await undelete();
    expect(await all()).toEqual(["2", "1"]);
  });

  test("nothing when nothing was there; markers without number are left alone", async () => {
    await set("enabled");
    await expect(undelete()).rejects.toMatchObject({ code: "NoSuchKey" });
    await put("1");
    for (let i = 0; i <= limits.markersUndone; i++) await remove();
    await expect(undelete()).rejects.toMatchObject({ code: "NoSuchKey" });
    await remove();
    expect((await all())[0]).toBe("marker");
  });
});
