/**
 * Small files in stripes: `node bench/striped.ts [--files 50000] [--bytes 4096] [--scheme 4+2] [--dir DIR]`.
 * A nameserver and eight devices in this process; files are stored as three copies, then their blocks
 * are converted. Says how much room they take, how many devices a read asks, and how fast they are
 * converted and read. The last line is one JSON object.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlockId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { createClient } from "../client/client.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { openNameserver } from "../nameserver/nameserver.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { Converted } from "../rpc/stripe-service.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "50000" },
    bytes: { type: "string", default: "4096" },
    scheme: { type: "string", default: "4+2" },
    dir: { type: "string", default: tmpdir() },
  },
});
const files = Number(values.files);
const fileBytes = Number(values.bytes);
const [k = 4, m = 2] = values.scheme.split("+").map(Number);
const DEVICES = Math.max(8, k + m);
const PUTS_AT_ONCE = 128;
const READS = 5_000;
const MiB = 1024 * 1024;

const root = mkdtempSync(join(values.dir, "quarry-striped-"));
const folders = Array.from({ length: DEVICES }, (_, i) => join(root, `device-${i}`));
const asked = { requests: 0, devices: new Set<string>() };
const conversions = { count: 0, seconds: 0, readBytes: 0, writtenBytes: 0 };

/** Counts what readers ask of it, and how long conversions take. */
function watched(service: Dataserver): BlockService {
  return new Proxy<BlockService>(service, {
    get: (_, name) => {
      const method = Reflect.get(service, name) as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        if (name === "read" || name === "readStripe") {
          asked.requests++;
          asked.devices.add((given[0] as { device: string }).device);
        }
        const since = performance.now();
        const answer = await method.apply(service, given);
        if (name === "convert") {
          const { readBytes, writtenBytes } = answer as Converted;
          conversions.count++;
          conversions.seconds += (performance.now() - since) / 1000;
          conversions.readBytes += readBytes;
          conversions.writtenBytes += writtenBytes;
        }
        return answer;
      };
    },
  });
}

/** Of the block files: their lengths, and what the file system gave them. */
function room(): { readonly lengths: number; readonly allocated: number } {
  const all = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^[0-9a-f]{8}\.(block|index)/.test(name))
      .map((name) => statSync(join(folder, name))),
  );
  return {
    lengths: all.reduce((sum, { size }) => sum + size, 0),
    allocated: all.reduce((sum, { blocks }) => sum + blocks * 512, 0),
  };
}

const seconds = async (run: () => Promise<void>): Promise<number> => {
  const since = performance.now();
  await run();
  return (performance.now() - since) / 1000;
};

try {
  const shared = { disk: nodeDisk, clock: systemClock, random: systemRandom };
  const report = (message: unknown) => {
    if (process.env["QUARRY_BENCH_TELL"] !== undefined) console.error(message);
  };
  await using dataserver = await openDataserver({
    ...{ ...shared, directories: folders, durability: "interval", reserveBytes: 0 },
  });
  const blocks = watched(dataserver);
  await using nameserver = await openNameserver({
    ...{ ...shared, directory: join(root, "names"), durability: "interval", blocks, report },
    ...{ settleMs: 1_000, workersPauseMs: 50 },
  });
  const store = createClient({ ...shared, names: nameserver, serviceOf: () => blocks });
  const { names } = store;
  const setPool = (change: object) => names.execute({ type: "changePool", pool: 0, change });
  await names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await setPool({ scheme: { k: 1, m: 2 } });

  const contentOf = (n: number): Buffer => {
    const content = Buffer.alloc(fileBytes, n & 255);
    if (fileBytes >= 8) content.writeDoubleLE(n, 0);
    return content;
  };
  let next = 0;
  const putAll = async () => {
    for (let n = next++; n < files; n = next++) {
      const content = contentOf(n);
      async function* bytes() {
        yield content;
      }
      const body = { bytes: bytes(), lengthBytes: fileBytes };
      await store.put({ bucket: "b", key: `f${n}` }, body, () => ({ etag: String(n) }));
    }
  };
  const putSeconds = await seconds(async () => {
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, putAll));
  });
  console.log(`${files} files of ${fileBytes} bytes stored, ${Math.round(files / putSeconds)}/s`);
  for (const { block, generation } of await names.openBlocks(0))
    await names.reportBlock(block, generation, "full");
  await setPool({ cold: { scheme: { k, m }, afterMs: 0 } });

  const used = new Set<BlockId>();
  for (let n = 0; n < files; n += Math.max(1, Math.floor(files / 2000))) {
    const { run } = await names.lookup({ bucket: "b", key: `f${n}`, offset: 0 });
    for (const { block } of run?.chunks ?? []) used.add(block);
  }
  const isStriped = async (block: BlockId) => (await names.locate(block)).layout === "striped";
  for (const block of used) while (!(await isStriped(block))) await wait(50);
  await wait(500);
  const dataBytes = files * fileBytes;
  const { lengths, allocated } = room();
  const perSecond = (conversions.readBytes / MiB / conversions.seconds).toFixed(0);
  console.log(`${conversions.count} blocks converted, ${perSecond} MiB of needles/s`);

  const counts: number[] = [];
  let wrong = 0;
  const readOne = async (n: number) => {
    const opened = await store.open({ bucket: "b", key: `f${n}` });
    const parts: Buffer[] = [];
    for await (const view of opened.read(0, fileBytes)) parts.push(Buffer.from(view));
    if (!Buffer.concat(parts).equals(contentOf(n))) wrong++;
  };
  const readSeconds = await seconds(async () => {
    for (let i = 0; i < Math.min(READS, files); i++) {
      asked.devices.clear();
      await readOne(Math.floor(Math.random() * files));
      counts.push(asked.devices.size);
    }
  });
  const devices = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const one = counts.filter((count) => count === 1).length / counts.length;
  console.log(
    `${counts.length} reads, one after the other: ${Math.round(counts.length / readSeconds)}/s, ` +
      `${(one * 100).toFixed(2)} % at one device, ${devices.toFixed(4)} devices on average`,
  );
  const ratio = lengths / dataBytes;
  console.log(
    `room: ${ratio.toFixed(3)} times the data (${(allocated / dataBytes).toFixed(3)} on disk)`,
  );
  console.log(
    JSON.stringify({
      ...{ files, fileBytes, scheme: values.scheme, ratio, allocatedRatio: allocated / dataBytes },
      ...{ devicesPerRead: devices, oneDevice: one, wrong, blocks: conversions.count },
      encodeMiBPerSecond: conversions.readBytes / MiB / conversions.seconds,
    }),
  );
  if (wrong > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
