import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import type { Certificates } from "../rpc/tls.ts";
import { TestAuthority } from "../test/certificates.ts";
import { TlsFiles, type TlsFlags } from "./tls-files.ts";

const authority = new TestAuthority();
let root: string;
let reports: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "quarry-tls-"));
  reports = [];
});
afterEach(() => rm(root, { recursive: true }));

const flags = (): TlsFlags & { tlsKey: string } => ({
  tlsCert: join(root, "cert"),
  tlsKey: join(root, "key"),
  tlsCa: join(root, "ca"),
});
async function put(files: Partial<Certificates>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
}
const open = () => TlsFiles.open(flags(), (message) => reports.push(message), systemClock);

test("no flags, no TLS; some flags, or files of no use, are refused in words", async () => {
  using none = await TlsFiles.open({});
  expect(none.tls).toBeUndefined();
  await expect(TlsFiles.open({ tlsCert: "x" })).rejects.toThrow(/belong together/);
  await expect(open()).rejects.toThrow(/cert cannot be read/);
  await put({ ...authority.issue(), key: "rubbish" });
  await expect(open()).rejects.toMatchObject({ code: "InvalidArgument" });
});

test("what changes is taken; what is wrong is told once, when it stays wrong", async () => {
  await put(authority.issue());
  using files = await open();
  const first = files.tls?.context;
  await files.look();
  expect([files.tls?.context, reports]).toEqual([first, []]);
  const next = authority.issue();
  await put({ cert: next.cert }); // the key is about to follow
  await files.look();
  expect([files.tls?.context, reports]).toEqual([first, []]);
  await put({ key: next.key });
  await files.look();
  expect(files.tls?.context).not.toBe(first);
  expect(reports).toEqual([expect.stringContaining("new certificates")]);
  const second = files.tls?.context;
  await rm(flags().tlsKey);
  for (let i = 0; i < 4; i++) await files.look();
  expect(reports.slice(1)).toEqual([
    expect.stringMatching(/stay as they were.*key cannot be read/),
  ]);
  expect(files.tls?.context).toBe(second);
  await put({ key: next.key });
  await files.look();
  expect(reports).toHaveLength(2);
});

test("SIGHUP makes it look at once", async () => {
  await put(authority.issue());
  using files = await open();
  const first = files.tls?.context;
  await put(authority.issue());
  process.emit("SIGHUP");
  await expect.poll(() => files.tls?.context === first).toBe(false);
  await put({ cert: "rubbish" });
  process.emit("SIGHUP");
  await expect.poll(() => reports.at(-1)).toMatch(/stay as they were/);
  const before = process.listenerCount("SIGHUP");
  files[Symbol.dispose]();
  expect(process.listenerCount("SIGHUP")).toBe(before - 1);
});
