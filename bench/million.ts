/**
 * A store with very many objects: how long it takes to start (after a clean end and after kill -9),
 * and what a page of a listing costs among few keys, among many, behind one prefix, and right after
 * all were deleted. `node bench/million.ts [objects]`
 */
import { spawn } from "node:child_process";
import console from "node:console";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openClient } from "../client/open-servers.ts";
import type { Store } from "../client/store.ts";

const AT_ONCE = 256;
const SMALL = 10_000;
const PAGES = 20;

const objects = Number(process.argv[2] ?? 1_000_000);
const content = Buffer.alloc(100, "x");

async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function* once() {
  yield content;
}

const keyOf = (index: number) => `one/prefix/${index.toString().padStart(9, "0")}`;

async function fill(store: Store, bucket: string, count: number): Promise<void> {
  await store.names.execute({ type: "createBucket", bucket, owner: "bench" });
  await each(count, (index) =>
    store.put(
      { bucket, key: keyOf(index) },
      { bytes: once(), lengthBytes: content.length },
      () => ({ etag: "0123456789abcdef0123456789abcdef" }),
    ),
  );
}

/** Median time and CPU of a page, over pages spread across the bucket. */
async function page(
  store: Store,
  bucket: string,
  count: number,
  delimiter: string,
): Promise<string> {
  const wall: number[] = [];
  const cpu: number[] = [];
  let found = 0;
  for (let i = 0; i < PAGES; i++) {
    const after = delimiter === "" ? keyOf(Math.floor((count / PAGES) * i)) : "";
    const startedMs = performance.now();
    const before = process.cpuUsage();
    const reply = await store.names.list({ bucket, prefix: "", delimiter, after, limit: 1000 });
    const used = process.cpuUsage(before);
    wall.push(performance.now() - startedMs);
    cpu.push((used.user + used.system) / 1000);
    found += reply.objects.length + reply.prefixes.length;
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[PAGES / 2]?.toFixed(2);
  return `${median(wall)} ms (slowest ${Math.max(...wall).toFixed(1)}), ${median(cpu)} ms CPU, ${found / PAGES} found`;
}

/** What a killed store has in its log and not in its tables. */
const writeMore = `
  const body = () => ({ bytes: (async function* () { yield Buffer.alloc(100); })(), lengthBytes: 100 });
  for (let i = 0; i < 30000; i += 256)
    await Promise.all(Array.from({ length: 256 }, (_, j) =>
      store.put({ bucket: "few", key: "more/" + (i + j) }, body(), () => ({ etag: "0" }))));`;

/** Opens in a process of its own and kills it, or closes it; says how long the opening took. */
async function start(directory: string, end: "SIGKILL" | "close"): Promise<number> {
  const script = `
    const begun = performance.now();
    const { openClient } = await import(${JSON.stringify(join(import.meta.dirname, "../client/open-servers.ts"))});
    const store = await openClient(${JSON.stringify(directory)});
    await store.open({ bucket: "many", key: ${JSON.stringify(keyOf(0))}, offset: 0 });
    console.log(performance.now() - begun);
    ${end === "SIGKILL" ? writeMore : ""}
    ${end === "close" ? "await store[Symbol.asyncDispose]();" : "process.kill(process.pid, 'SIGKILL');"}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text: Buffer) => {
    said += text.toString();
  });
  await new Promise((exited) => child.once("exit", exited));
  return Number(said);
}

const directory = await mkdtemp(join(tmpdir(), "quarry-million-"));
try {
  {
    await using store = await openClient({ directories: [directory], durability: "none" });
    const startedMs = performance.now();
    await fill(store, "few", SMALL);
    await fill(store, "many", objects);
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(`filled with ${objects} objects in ${seconds.toFixed(0)} s`);
    console.log(`page of ${SMALL} keys:    ${await page(store, "few", SMALL, "")}`);
    console.log(`page of ${objects} keys:  ${await page(store, "many", objects, "")}`);
    console.log(`delimiter over ${objects}: ${await page(store, "many", objects, "/")}`);
  }
  console.log(`start after a clean end: ${(await start(directory, "SIGKILL")).toFixed(0)} ms`);
  console.log(`start after kill -9:     ${(await start(directory, "close")).toFixed(0)} ms`);
  {
    await using store = await openClient({ directories: [directory], durability: "none" });
    const startedMs = performance.now();
    await each(objects, (index) =>
      store.names.execute({ type: "deleteObject", bucket: "many", key: keyOf(index) }),
    );
    console.log(`deleted ${objects} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    console.log(`page right after:        ${await page(store, "many", objects, "")}`);
    console.log(`delimiter right after:   ${await page(store, "many", objects, "/")}`);
    console.log(`page of ${SMALL} keys:    ${await page(store, "few", SMALL, "")}`);
    console.log(
      `peak memory of this process: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
    );
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
