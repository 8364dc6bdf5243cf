import {
  appendFile,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeDisk } from "../base/disk-node.ts";
import { hasCode } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import { checkLevel } from "./level-check.ts";
import { LevelState } from "./state-level.ts";
import { MemoryState } from "./state-memory.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "quarry-level-"));
});
afterEach(() => rm(root, { recursive: true }));

const change = (key: string, value?: string) => ({
  key,
  keyBytes: Buffer.from(key, "latin1"),
  ...(value !== undefined && { value: Buffer.from(value) }),
});
const open = (name: string, mustExist = false) =>
  LevelState.open(nodeDisk, join(root, name), mustExist);
const tables = async (name: string) =>
  (await readdir(join(root, name))).filter((file) => file.endsWith(".ldb"));

/** What a crash leaves: the files as they are, while LevelDB still has them open. */
async function crashCopy(from: string, to: string): Promise<void> {
  await cp(join(root, from), join(root, to), { recursive: true });
  await rm(join(root, to, "LOCK"), { force: true });
}

async function filled(name: string): Promise<void> {
  await using state = await open(name);
  for (let run = 0; run < 4; run++) {
    await state.write(
      Array.from({ length: 300 }, (_, i) => change(`\x20key ${run} ${i}`, `value ${i}`.repeat(9))),
    );
    await state.checkpoint();
  }
}

describe.each(["LevelDB", "memory"])("a snapshot of the state in %s", (kind) => {
  test("is of one moment, whatever is written meanwhile", async () => {
    await using state = kind === "memory" ? new MemoryState() : await open("moments");
    // What moves from one kind of row to another is in exactly one of them at any moment.
    await state.write([change("\x20a", "0")]);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 300; i++) {
        const [from, to] = i % 2 === 0 ? ["\x20a", "\x21a"] : ["\x21a", "\x20a"];
        await state.write([change(from ?? ""), change(to ?? "", String(i))]);
      }
      writing = false;
    })();
    let looks = 0;
    while (writing) {
      await using view = state.snapshot();
      await using first = view.range("\x20", "\x21");
      const before = await first.next(9);
      await using second = view.range("\x21", "\x22");
      const both = [...before, ...(await second.next(9))];
      expect(both.length).toBe(1);
      const [one] = both;
      if (one !== undefined) expect(view.get(one.key)?.equals(one.value)).toBe(true);
      looks++;
    }
    await writer;
    expect(looks).toBeGreaterThan(10);
  });
});

describe("the state in LevelDB", () => {
  test("holds after a crash what the last checkpoint saw, and nothing of its own log", async () => {
    await using state = await open("live");
    await state.write([change("\x20a", "1"), change("\x20b", "1")]);
    await state.checkpoint();
    await state.write([change("\x20a", "2"), change("\x20b"), change("\x20c", "2")]);
    await crashCopy("live", "crashed");
    await using left = await open("crashed", true);
    expect(left.get("\x20a")?.toString()).toBe("1");
    expect(left.get("\x20b")?.toString()).toBe("1");
    expect(left.get("\x20c")).toBeUndefined();
    expect(state.get("\x20a")?.toString()).toBe("2");
  });

  test("a checkpoint adds nothing to what a snapshot holds", async () => {
    await using state = await open("probed");
    await state.write([change("\x01a", "1"), change("b", "2")]);
    await state.checkpoint();
    await using snapshot = state.snapshot();
    await using cursor = snapshot.range("", "\xff\xff");
    expect((await cursor.next(10)).map(({ key }) => key)).toEqual(["\x01a", "b"]);
  });

  test("scans ranges with bytes above 7f in their order, and seeks", async () => {
    await using state = await open("scan");
    const keys = ["\x20\x00", "\x20\x7f", "\x20\x80", "\x20\xff", "\x20\xff\x01", "\x21"];
    await state.write(keys.map((key) => change(key, key)));
    await using cursor = state.range("\x20", "\x21");
    expect((await cursor.next(2)).map(({ key }) => key)).toEqual(keys.slice(0, 2));
    cursor.seek("\x20\xff");
    expect((await cursor.next(10)).map(({ key }) => key)).toEqual(keys.slice(3, 5));
    expect(await cursor.next(10)).toEqual([]);
  });

  test("a flipped bit in a table or the manifest is found and named, or changes nothing", async () => {
    await filled("pristine");
    const names = (await readdir(join(root, "pristine"))).filter((name) =>
      /\.ldb$|^MANIFEST|^CURRENT$/.test(name),
    );
    expect((await tables("pristine")).length).toBeGreaterThan(0);
    const random = seededRandom(8);
    let flips = 0;
    let harmless = 0;
    for (const name of names) {
      const path = join(root, "pristine", name);
      const good = await readFile(path);
      for (let i = 0; i < 100; i++) {
        const bad = Buffer.from(good);
        // The end of a file, where footers and last records are, is looked at byte by byte.
        const at = i < 60 ? Math.max(0, good.length - 1 - i) : random.u32() % good.length;
        bad[at] = (bad[at] ?? 0) ^ (1 << (random.u32() % 8));
        await writeFile(path, bad);
        flips++;
        const error = await checkLevel(nodeDisk, join(root, "pristine")).then(
          () => undefined,
          (problem: unknown) => problem,
        );
        if (error === undefined) harmless++;
        else if (!hasCode(error, "Damaged")) throw error;
        else expect(error.message).toMatch(/\.ldb|MANIFEST|CURRENT/);
      }
      await writeFile(path, good);
    }
    await checkLevel(nodeDisk, join(root, "pristine"));
    // Only the length of the manifest's last record can make it look unfinished (see below).
    expect(harmless).toBeLessThan(flips * 0.01);
  });

  test("a table that is gone or cut short is damage, an unfinished one is not", async () => {
    await filled("state");
    const [first] = await tables("state");
    await writeFile(join(root, "state", "999999.ldb"), "half a table");
    await checkLevel(nodeDisk, join(root, "state"));
    await truncate(join(root, "state", first ?? ""), 100);
    await expect(open("state", true)).rejects.toThrow(/bytes instead of/);
    await rm(join(root, "state", first ?? ""));
    await expect(open("state", true)).rejects.toThrow(/the table is gone/);
  });

  test("zeros behind the MANIFEST, as a power cut may leave them, are no damage", async () => {
    await filled("state");
    const names = await readdir(join(root, "state"));
    const manifest = names.find((name) => name.startsWith("MANIFEST")) ?? "";
    await appendFile(join(root, "state", manifest), Buffer.alloc(100));
    await using state = await open("state", true);
    expect(state.get("\x20key 3 299")?.toString()).toBe("value 299".repeat(9));
  });

  test("a state that must exist and does not is damage", async () => {
    await expect(open("nothing", true)).rejects.toMatchObject({ code: "Damaged" });
  });
});
