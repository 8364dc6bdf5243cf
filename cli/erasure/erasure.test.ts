import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../base/disk-node.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { seededRandom } from "../../base/random.ts";
import { schemeOf } from "../../erasure/scheme.ts";
import { decodeFolder } from "./decode.ts";
import { encodeFile } from "./encode.ts";
import { rebuildFolder } from "./rebuild.ts";
import { verifyFolder } from "./verify.ts";

const scheme = schemeOf(4, 2);

async function encodedDisk(lengthBytes: number) {
  const disk = new SimulatedDisk();
  const content = seededRandom(lengthBytes).bytes(lengthBytes);
  disk.plant("/file", content);
  await encodeFile(disk, scheme, "/file", "/dir");
  return { disk, content };
}

/** Runs `work` with the power cut at its `n`-th change of the disk; true when it was not reached. */
async function cutAt(disk: SimulatedDisk, n: number, work: () => Promise<unknown>) {
  disk.crashAt(disk.operations + n);
  try {
    await work();
    return true;
  } catch (error) {
    if (!disk.crashed) throw error;
    return false;
  }
}

test.each([0, 1, 3, 4, 5, 1000, 1023, 2_000_003])("%i bytes make the whole way", async (length) => {
  const { disk, content } = await encodedDisk(length);
  expect(disk.paths()).toEqual([
    ...[0, 1, 2, 3, 4, 5].map((i) => `/dir/${i}`),
    "/dir/manifest.json",
    "/file",
  ]);
  const data = Buffer.concat([0, 1, 2, 3].map((i) => disk.contentOf(`/dir/${i}`)));
  expect(data.equals(Buffer.concat([content, Buffer.alloc(data.length - length)]))).toBe(true);
  const before = disk.paths().map((path) => disk.contentOf(path));
  await disk.remove("/dir/0");
  await disk.remove("/dir/4");
  await decodeFolder(disk, "/dir", "/again");
  expect(disk.contentOf("/again").equals(content)).toBe(true);
  await disk.remove("/again");
  expect(await rebuildFolder(disk, "/dir")).toEqual([0, 4]);
  expect(disk.paths().map((path) => disk.contentOf(path))).toEqual(before);
  expect(await rebuildFolder(disk, "/dir")).toEqual([]);
  expect((await verifyFolder(disk, "/dir")).wrongParities).toEqual([]);
});

describe("what is wrong is found and said", () => {
  test("damaged, short and missing pieces; rebuild restores them", async () => {
    const { disk } = await encodedDisk(1000);
    disk.flip("/dir/1", 249, 4);
    disk.plant("/dir/5", Buffer.alloc(249));
    expect((await verifyFolder(disk, "/dir")).states).toEqual([
      ...["good", "damaged", "good", "good", "good", "damaged"],
    ]);
    expect(await rebuildFolder(disk, "/dir")).toEqual([1, 5]);
    expect((await verifyFolder(disk, "/dir")).states).toEqual(Array(6).fill("good"));
  });

  test("too many losses", async () => {
    const { disk } = await encodedDisk(1000);
    disk.flip("/dir/1", 0);
    await disk.remove("/dir/2");
    await disk.remove("/dir/3");
    const message =
      "/dir has 3 good pieces; 4+2 needs 4. Bring back 1 of: 1 (damaged), 2 (missing), 3 (missing)";
    for (const work of [rebuildFolder(disk, "/dir"), decodeFolder(disk, "/dir", "/again")])
      await expect(work).rejects.toMatchObject({ code: "TooFewPieces", message });
    expect(disk.paths()).not.toContain("/again");
  });

  test("a piece of another encoding with a fitting CRC in the manifest", async () => {
    const { disk } = await encodedDisk(1000);
    const other = new SimulatedDisk();
    other.plant("/file", Buffer.alloc(1000, 7));
    const { crcs } = await encodeFile(other, scheme, "/file", "/dir");
    disk.plant("/dir/5", other.contentOf("/dir/5"));
    const manifest = JSON.parse(disk.contentOf("/dir/manifest.json").toString());
    manifest.pieces[5] = crcs[5]!.toString(16).padStart(8, "0");
    disk.plant("/dir/manifest.json", Buffer.from(JSON.stringify(manifest)));
    expect((await verifyFolder(disk, "/dir")).wrongParities).toEqual([5]);
    await disk.remove("/dir/0");
    await disk.remove("/dir/4");
    await expect(rebuildFolder(disk, "/dir")).rejects.toMatchObject({ code: "Damaged" });
    await expect(decodeFolder(disk, "/dir", "/again")).rejects.toMatchObject({ code: "Damaged" });
    expect(disk.paths().filter((path) => !/^\/(file|dir\/(\d|manifest.json))$/.test(path))).toEqual(
      [],
    );
  });

  test.each([
    ["not json", /manifest.json is damaged/],
    ["{}", /manifest.json is damaged: (.|\n)*format/],
    [{ scheme: "4-2" }, /"4-2" is no scheme/],
    [{ pieces: [] }, /it lists 0 pieces, its scheme has 6/],
    [{ pieceBytes: 251 }, /pieceBytes must be 250/],
    [{ lengthBytes: -1 }, /lengthBytes/],
  ])("a manifest that holds %o", async (change, message) => {
    const { disk } = await encodedDisk(1000);
    const manifest = JSON.parse(disk.contentOf("/dir/manifest.json").toString());
    const text = typeof change === "string" ? change : JSON.stringify({ ...manifest, ...change });
    disk.plant("/dir/manifest.json", Buffer.from(text));
    await expect(verifyFolder(disk, "/dir")).rejects.toThrow(message);
  });

  test("nothing that is there is replaced", async () => {
    const { disk } = await encodedDisk(10);
    await expect(encodeFile(disk, scheme, "/file", "/dir")).rejects.toThrow("holds pieces already");
    disk.plant("/mine/0", Buffer.from("a file of the user"));
    await expect(encodeFile(disk, scheme, "/file", "/mine")).rejects.toThrow(
      "/mine holds files (0) and no manifest.json",
    );
    await expect(decodeFolder(disk, "/dir", "/file")).rejects.toThrow("/file exists");
    await expect(verifyFolder(disk, "/mine")).rejects.toThrow("/mine has no manifest.json");
  });
});

describe("the power goes", () => {
  test("while encoding: what has a manifest is whole, what has none says so", async () => {
    const content = seededRandom(1).bytes(700_001);
    const outcomes = new Set<string>();
    for (let n = 1, finished = false; !finished; n++) {
      const disk = new SimulatedDisk();
      disk.plant("/file", content);
      finished = await cutAt(disk, n, () => encodeFile(disk, scheme, "/file", "/dir"));
      disk.crash(seededRandom(n));
      if (await disk.exists("/dir/manifest.json")) {
        const { states, wrongParities } = await verifyFolder(disk, "/dir");
        expect({ n, states, wrongParities }).toEqual({
          n,
          states: Array(6).fill("good"),
          wrongParities: [],
        });
        outcomes.add("whole");
      } else {
        await expect(verifyFolder(disk, "/dir")).rejects.toThrow("has no manifest.json");
        outcomes.add("none");
      }
      if (finished) expect(await disk.exists("/dir/manifest.json")).toBe(true);
    }
    expect([...outcomes].sort()).toEqual(["none", "whole"]);
  });

  test("while rebuilding: pieces are restored whole or not at all, and a second run ends it", async () => {
    for (let n = 1, finished = false; !finished; n++) {
      const { disk, content } = await encodedDisk(700_001);
      disk.flip("/dir/3", 100);
      await disk.remove("/dir/4");
      finished = await cutAt(disk, n, () => rebuildFolder(disk, "/dir"));
      disk.crash(seededRandom(n));
      const { states } = await verifyFolder(disk, "/dir");
      expect(states[3]).toMatch(/good|damaged/);
      await rebuildFolder(disk, "/dir");
      expect((await verifyFolder(disk, "/dir")).states).toEqual(Array(6).fill("good"));
      await decodeFolder(disk, "/dir", "/again");
      expect(disk.contentOf("/again").equals(content)).toBe(true);
    }
  });

  test("while decoding: the file is there whole or not at all", async () => {
    for (let n = 1, finished = false; !finished; n++) {
      const { disk, content } = await encodedDisk(700_001);
      await disk.remove("/dir/2");
      finished = await cutAt(disk, n, () => decodeFolder(disk, "/dir", "/again"));
      disk.crash(seededRandom(n));
      if (await disk.exists("/again"))
        expect({ n, same: disk.contentOf("/again").equals(content) }).toEqual({ n, same: true });
      else {
        expect(finished).toBe(false);
        await decodeFolder(disk, "/dir", "/again");
        expect(disk.contentOf("/again").equals(content)).toBe(true);
      }
    }
  });
});

test("a full disk leaves no piece behind", async () => {
  const disk = new SimulatedDisk();
  disk.plant("/file", Buffer.alloc(100_000, 1));
  disk.leaveFree(60_000);
  await expect(encodeFile(disk, scheme, "/file", "/dir")).rejects.toMatchObject({
    code: "DiskFull",
  });
  expect(disk.paths()).toEqual(["/file"]);
});

test("on a real disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarry-erasure-"));
  try {
    const content = seededRandom(3).bytes(3_000_001);
    await using file = await nodeDisk.open(`${folder}/file`, "create");
    await file.write([content], 0);
    await encodeFile(nodeDisk, schemeOf(10, 4), `${folder}/file`, `${folder}/pieces`);
    for (const i of [1, 7, 9, 11]) await nodeDisk.remove(`${folder}/pieces/${i}`);
    expect(await rebuildFolder(nodeDisk, `${folder}/pieces`)).toEqual([1, 7, 9, 11]);
    await nodeDisk.remove(`${folder}/pieces/0`);
    await decodeFolder(nodeDisk, `${folder}/pieces`, `${folder}/again`);
    const again = Buffer.alloc(content.length + 1);
    await using found = await nodeDisk.open(`${folder}/again`, "read");
    expect(await found.read(again, 0)).toBe(content.length);
    expect(again.subarray(0, content.length).equals(content)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
