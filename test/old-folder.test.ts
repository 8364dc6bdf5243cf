/**
 * A data folder of an older Quarry opens and serves what stands in it. A fixture has the commit that
 * wrote it in its name. It was left by SIGKILL, and is a JSON object of paths and contents in base64,
 * compressed by Brotli (files of 3.3 MiB, mostly zeros, takes 5.6 KiB); lock files are left out.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { fsck } from "../cli/fsck/fsck.ts";
import { openClient } from "../client/open-servers.ts";
import type { Store } from "../client/store.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-old-"));
});
afterEach(async () => await rm(directory, { recursive: true }));

async function unpack(name: string): Promise<void> {
  const packed = await readFile(join(import.meta.dirname, "fixtures", name));
  const files = JSON.parse(brotliDecompressSync(packed).toString()) as Record<string, string>;
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), Buffer.from(content, "base64"), { mode: 0o600 });
  }
}

async function text(store: Store, key: string, version?: string): Promise<string> {
  const asked = { bucket: "old", key, offset: 0, ...(version !== undefined && { version }) };
  const { object, read } = await store.open(asked);
  const views: Buffer[] = [];
  for await (const view of read(0, object.lengthBytes)) views.push(Buffer.from(view));
  return Buffer.concat(views).toString();
}

async function expectOld(store: Store): Promise<void> {
  const none = { prefix: "", delimiter: "", keyAfter: "", limit: 100 };
  const { versions } = await store.names.versions({ bucket: "old", ...none, versionAfter: "" });
  const found: [string, boolean, string][] = [];
  for (const { key, latest, version, deleteMarker } of versions)
    found.push([key, latest, deleteMarker ? "marker" : await text(store, key, version)]);
  expect(found).toEqual([
    ["big", true, "0123456789abcdef".repeat(16_384)],
    ["gone", true, "marker"],
    ["gone", false, "gone"],
    ["note", true, "second"],
    ["note", false, "first"],
  ]);
  const { uploads } = await store.names.uploads({ bucket: "old", ...none, uploadAfter: "" });
  expect(uploads.map(({ key }) => key)).toEqual(["unfinished"]);
  expect((await store.names.access({ accessKey: "OLDROOT" })).user?.secretKey).toBe(
    "old-root-secret",
  );
}

test.each(["store-f7f8306.json.br"])("%s is served, takes writes, and is whole", async (name) => {
  await unpack(name);
  {
    await using store = await openClient(directory);
    await expectOld(store);
    const bytes = (async function* () {
      yield Buffer.from("new");
    })();
    const target = { bucket: "old", key: "new" };
    const { version } = await store.put(target, { bytes }, () => ({ etag: "e" }));
    expect(await text(store, "new")).toBe("new");
    await store.names.execute({ type: "deleteObject", ...target, version });
  }
  {
    await using store = await openClient(directory);
    await expectOld(store);
  }
  const found: unknown[] = [];
  await fsck({
    ...{ disk: nodeDisk, clock: systemClock, directories: [directory] },
    onFinding: (finding) => found.push(finding),
    onStep: () => undefined,
  });
  expect(found).toEqual([]);
});
