/**
 * The block store alone, on a real disk: `node bench/blocks.ts [directory]`. Prints one line for
 * each measurement. The ten million needles are index files made here, with block files that hold
 * only what a start reads; all else is written and read through the service.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { type BlockId, type DeviceId, FREE } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { encodeCheckpoint } from "../dataserver/index-file.ts";
import { NeedleIndex } from "../dataserver/needle-index.ts";
import { recordBytes } from "../dataserver/record.ts";
import { encodeSuperblock } from "../dataserver/superblock.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "quarry-bench-"));
const open = () =>
  openDataserver({
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    directories: [directory],
    reserveBytes: 0,
    blockBytes: 2 ** 30,
  });
const deviceOf = async (server: Dataserver) => (await server.devices())[0]?.device as DeviceId;

/** Runs `work` `count` times, `atOnce` at a time; gives seconds and CPU seconds. */
async function timed(count: number, atOnce: number, work: (i: number) => Promise<unknown>) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - started) / 1000, cpuUs: (user + system) / count };
}

function line(what: string, value: string): void {
  console.log(`${what.padEnd(46)} ${value}`);
}

async function appendAndRead(): Promise<void> {
  const server = await open();
  const device = await deviceOf(server);
  const small = { device, block: 1 as BlockId, generation: 1 };
  const large = { device, block: 2 as BlockId, generation: 1 };
  await server.createBlock(small);
  await server.createBlock(large);
  const ids = Array.from({ length: 40_000 }, () => systemRandom.needleId());
  const append = async (address: typeof small, i: number, data: Buffer) => {
    const needle = ids[i]!;
    const checksums = needleChecksums(address.block, needle, data);
    const owner = { blob: FREE, chunk: 0 };
    const request = { ...address, needle, owner, lengthBytes: data.length, checksums };
    const { kind } = await server.append(request, data);
    if (kind !== "stored") throw new Error(kind);
  };
  const page = systemRandom.bytes(4096);
  const a = await timed(ids.length, 32, (i) => append(small, i, page));
  line(
    "append 4 KiB, 32 at once, commit",
    `${Math.round(ids.length / a.seconds)}/s  ${a.cpuUs.toFixed(1)} µs CPU`,
  );
  const r = await timed(ids.length, 32, (i) => {
    const needle = ids[(i * 7919) % ids.length]!;
    return server.read({ device, block: small.block, needle, offset: 0, lengthBytes: 4096 });
  });
  line(
    "read 4 KiB, 32 at once, cached",
    `${Math.round(ids.length / r.seconds)}/s  ${r.cpuUs.toFixed(1)} µs CPU`,
  );
  const chunk = systemRandom.bytes(2 ** 22);
  const chunks = 128;
  const b = await timed(chunks, 4, (i) => append(large, i, chunk));
  line("append 4 MiB, 4 at once, commit", `${Math.round((chunks * 4) / b.seconds)} MiB/s`);
  const c = await timed(chunks, 4, (i) =>
    server.read({ device, block: large.block, needle: ids[i]!, offset: 0, lengthBytes: 2 ** 22 }),
  );
  line("read 4 MiB, 4 at once, cached", `${Math.round((chunks * 4) / c.seconds)} MiB/s`);
  const scrub = await timed(1, 1, () => server.scrub(device, { bytesPerSecond: 1e12 }));
  line("scrub of 680 MiB, unpaced, cached", `${scrub.seconds.toFixed(2)} s`);
  await server[Symbol.asyncDispose]();
}

async function recover(): Promise<void> {
  for (const name of ["00000001.index", "00000002.index"]) rmSync(join(directory, name));
  const started = performance.now();
  const server = await open();
  line(
    "start without indexes, 680 MiB to walk",
    `${((performance.now() - started) / 1000).toFixed(2)} s`,
  );
  await server[Symbol.asyncDispose]();
}

function plantTenMillion(): number {
  const perBlock = 16_000;
  const blocks = 625;
  for (let n = 0; n < blocks; n++) {
    const index = NeedleIndex.open();
    const step = recordBytes(4096);
    for (let i = 0; i < perBlock; i++) index.add(systemRandom.needleId(), 64 + i * step, 4096);
    const block = (100 + n) as BlockId;
    const shape = { piece: 0, k: 1, m: 0, createdMs: 0 };
    const superblock = { block, generation: 1, salt: n, ...shape };
    const stem = join(directory, block.toString(16).padStart(8, "0"));
    const coversBytes = 64 + perBlock * step;
    const rows = index.sortedRows();
    const parts = encodeCheckpoint({ superblock, sealed: true, coversBytes, damage: [], rows });
    writeFileSync(`${stem}.index`, Buffer.concat(parts));
    writeFileSync(`${stem}.block`, encodeSuperblock(superblock));
    truncateSync(`${stem}.block`, coversBytes);
  }
  return perBlock * blocks;
}

async function startLarge(): Promise<void> {
  const count = plantTenMillion();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const started = performance.now();
  const server = await open();
  const seconds = (performance.now() - started) / 1000;
  globalThis.gc?.();
  const after = process.memoryUsage();
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const buffers = after.arrayBuffers - before.arrayBuffers + after.heapUsed - before.heapUsed;
  line(
    `start with ${count / 1e6} million needles`,
    `${seconds.toFixed(2)} s, ${mb(buffers)} heap and buffers, RSS +${mb(after.rss - before.rss)}`,
  );
  await server[Symbol.asyncDispose]();
}

try {
  await appendAndRead();
  await recover();
  rmSync(directory, { recursive: true });
  await nodeDisk.makeDirectory(directory);
  await (await open())[Symbol.asyncDispose]();
  await startLarge();
} finally {
  rmSync(directory, { recursive: true });
}
