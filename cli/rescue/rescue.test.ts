/** Rescue and checks where the copies, the blocks or the metadata are harmed. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { systemRandom } from "../../base/random.ts";
import { openClient } from "../../client/open-servers.ts";
import type { Store } from "../../client/store.ts";
import type { CopySettings } from "../../nameserver/copies/copies.ts";
import type { Finding } from "../fsck/finding.ts";
import { fsck } from "../fsck/fsck.ts";
import { rescue } from "./rescue.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-rescue-"));
});
afterEach(() => rm(folder, { recursive: true }));

const BUCKET = "b";
const copies: CopySettings = { logMs: 50, snapshotMs: 3_600_000, snapshotBytes: 100_000_000 };
/** Every change has a new snapshot. */
const snapshots: CopySettings = { ...copies, snapshotMs: 0 };
const TURN_MS = 2_500;

const data = () => join(folder, "data");
const open = (how: CopySettings | "none") => openClient({ directories: [data()], copies: how });
const contentOf = (key: string) => Buffer.alloc(5_000 + key.length, `content of ${key} `);

async function put(store: Store, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const content = contentOf(key);
    const etag = createHash("md5").update(content).digest("hex");
    const bytes = (async function* () {
      yield content;
    })();
    const target = { bucket: BUCKET, key };
    await store.put(target, { bytes, lengthBytes: content.length }, () => ({ etag }));
  }
}

async function has(store: Store, key: string, bucket = BUCKET): Promise<boolean> {
  const opened = await store.open({ bucket, key, offset: 0 });
  const parts: Buffer[] = [];
  for await (const view of opened.read(0, opened.object.lengthBytes)) parts.push(Buffer.from(view));
  return Buffer.concat(parts).equals(contentOf(key));
}

const makeBucket = (store: Store) =>
  store.names.execute({ type: "createBucket", bucket: BUCKET, owner: "me" });

const lose = () => rename(join(data(), "nameserver"), join(folder, `lost-${Date.now()}`));

async function rescued(more: { readonly salvage?: boolean } = {}) {
  const findings: Finding[] = [];
  const result = await rescue({
    ...{ disk: nodeDisk, clock: systemClock, random: systemRandom },
    ...{ devices: [data()], to: join(data(), "nameserver"), keepOrphansMs: 1_000_000 },
    salvage: more.salvage ?? false,
    onFinding: (finding) => findings.push(finding),
    onStep: () => undefined,
  });
  return { ...result, findings };
}

async function checked() {
  const findings: Finding[] = [];
  const directories = [data()];
  const onFinding = (finding: Finding) => findings.push(finding);
  const result = await fsck({
    ...{ disk: nodeDisk, clock: systemClock, directories, onFinding },
    onStep: () => undefined,
  });
  return { ...result, findings };
}

/** Flips a bit of what begins with `magic`, at its last place in the blocks. */
async function harm(magic: string | Buffer, which: number, within: number): Promise<void> {
  const places: { path: string; at: number }[] = [];
  for (const name of await readdir(join(data(), "device"))) {
    if (!name.endsWith(".block")) continue;
    const path = join(data(), "device", name);
    const bytes = await readFile(path);
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1))
      places.push({ path, at });
  }
  const indexOf = ({ path, at }: { path: string; at: number }) =>
    readFile(path).then((bytes) => Number(bytes.readBigUInt64LE(at + 16)));
  const known = await Promise.all(
    places.map(async (one) => ({ ...one, index: await indexOf(one) })),
  );
  const place = known.toSorted((a, b) => a.index - b.index).at(which);
  if (place === undefined) throw new Error(`${magic} is not in the blocks`);
  const bytes = await readFile(place.path);
  bytes.writeUInt8(bytes.readUInt8(place.at + within) ^ 1, place.at + within);
  await writeFile(place.path, bytes);
}

test("a damaged manifest falls back to the snapshot before, and the log brings back the rest", async () => {
  {
    await using store = await open(snapshots);
    await makeBucket(store);
    await put(store, "one");
    await sleep(TURN_MS);
    await put(store, "two");
    await sleep(TURN_MS);
    await put(store, "three");
  }
  await lose();
  await harm("QUARRYMS", -1, 40);
  const { snapshot, check, findings } = await rescued();
  expect(findings.some((one) => one.kind === "damage")).toBe(true);
  expect(findings.some((one) => one.kind === "note" && /cannot be used/.test(one.text))).toBe(true);
  expect(snapshot).toBeDefined();
  expect(check?.missing).toBe(0);
  await using store = await open("none");
  for (const key of ["one", "two", "three"]) expect(await has(store, key)).toBe(true);
});

test("a damaged run of the log ends what comes back, and what follows can be salvaged", async () => {
  {
    await using store = await open(copies);
    await makeBucket(store);
    await put(store, "one");
    await sleep(TURN_MS);
    await put(store, "two");
    await sleep(TURN_MS);
    await put(store, "three");
  }
  await lose();
  await harm("QUARRYML", -1, 30);
  const { check, orphanBlobs, salvaged } = await rescued({ salvage: true });
  expect(check?.missing).toBe(0);
  expect(orphanBlobs).toBe(1);
  expect(salvaged).toMatchObject({ objects: 1, broken: 0, bytes: contentOf("three").length });
  {
    await using store = await open("none");
    for (const key of ["one", "two"]) expect(await has(store, key)).toBe(true);
    await expect(has(store, "three")).rejects.toThrow(/no object|NoSuchKey|there is no/);
    const bucket = salvaged?.bucket ?? "";
    const { objects } = await store.names.list({
      ...{ bucket, prefix: "", delimiter: "", after: "", limit: 10 },
    });
    const opened = await store.open({ bucket, key: objects[0]?.key ?? "", offset: 0 });
    expect(opened.object.lengthBytes).toBe(contentOf("three").length);
    // Ids go on behind all that were given before.
    await put(store, "four");
    expect(await has(store, "four")).toBe(true);
  }
  expect((await checked()).findings.filter(({ kind }) => kind !== "damage")).toEqual([]);
}, 30_000);

test("a store that was rescued and lost again does not come back as what it was before", async () => {
  const others = ["other-world-1", "other-world-2", "other-world-3"];
  {
    await using store = await open(copies);
    await makeBucket(store);
    await put(store, "one");
    await sleep(TURN_MS);
    await put(store, "two");
    await sleep(TURN_MS);
    await put(store, ...others);
  }
  await lose();
  await harm("QUARRYML", -1, 30);
  await rescued();
  const lost: string[] = [];
  {
    await using store = await open(copies);
    // Which of them the harmed run held is up to the time that they took.
    for (const key of others) if (!(await has(store, key).catch(() => false))) lost.push(key);
    expect(lost.length).toBeGreaterThan(0);
    await put(store, "three");
    await sleep(TURN_MS);
    await put(store, "four");
  }
  await lose();
  expect((await rescued()).check?.missing).toBe(0);
  await using store = await open("none");
  for (const key of ["one", "two", "three", "four"]) expect(await has(store, key)).toBe(true);
  for (const key of lost)
    await expect(has(store, key)).rejects.toThrow(/no object|NoSuchKey|there is no/);
}, 30_000);

test("a snapshot alone is enough, and what it stands in is known afterwards", async () => {
  {
    await using store = await open("none");
    await makeBucket(store);
    await put(store, "one");
  }
  {
    // Nothing changes any more: no run of the log tells of the blocks that the snapshot stands in.
    await using _store = await open(copies);
    await sleep(TURN_MS);
  }
  await lose();
  const { snapshot, check } = await rescued();
  expect(snapshot).toBeDefined();
  expect(check).toMatchObject({ missing: 0, orphans: 0 });
  expect(check?.copies).toBeGreaterThan(0);
  expect(await checked()).toMatchObject({ findings: [], check: { missing: 0, unknownBlocks: 0 } });
});

test("without a snapshot there is only salvage, and it says so", async () => {
  {
    await using store = await open("none");
    await makeBucket(store);
    await put(store, "one", "two");
  }
  await lose();
  const { snapshot, findings } = await rescued();
  expect(snapshot).toBeUndefined();
  expect(findings).toMatchObject([{ kind: "problem", text: expect.stringMatching(/no whole/) }]);
  const { salvaged } = await rescued({ salvage: true });
  expect(salvaged).toMatchObject({ objects: 2, broken: 0 });
});

test("what blocks lack is told name by name, and what nobody names is counted", async () => {
  {
    await using store = await open(copies);
    await makeBucket(store);
    await put(store, "one", "two");
  }
  const whole = await checked();
  expect(whole.findings).toEqual([]);
  expect(whole.audit).toMatchObject({ objects: 2, problems: 0 });
  await harm(Buffer.from("content of two"), 0, 3);
  const { findings } = await checked();
  expect(findings.map(({ kind }) => kind).sort()).toEqual(["damage", "missing"]);
  expect(findings.find(({ kind }) => kind === "missing")).toMatchObject({
    ...{ what: "object", bucket: BUCKET, key: "two", missingBytes: contentOf("two").length },
  });
});

test("a running store is not looked at, and harmed metadata are named", async () => {
  {
    await using store = await open("none");
    await makeBucket(store);
    await put(store, "one");
    await expect(checked()).rejects.toThrow(/in use/);
    await expect(rescued()).rejects.toThrow(/in use/);
  }
  const state = join(data(), "nameserver", "state", "1");
  const table = (await readdir(state)).find((name) => name.endsWith(".ldb")) ?? "";
  const bytes = await readFile(join(state, table));
  bytes.writeUInt8(bytes.readUInt8(100) ^ 4, 100);
  await writeFile(join(state, table), bytes);
  const { findings, audit } = await checked();
  expect(audit).toBeUndefined();
  expect(findings).toMatchObject([{ kind: "problem", text: expect.stringContaining(table) }]);
});
