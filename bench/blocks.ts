/**
 * The block store's start and scrub, on a real disk: `node bench/blocks.ts [directory]` (appends are measured
 * by `quarry bench --micro append`). Prints one line for each measurement. The ten million needles are index files made here, with block files that hold
 * only what a start reads.
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

/** Of 4 MiB. */
const CHUNKS = 128;
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

function line(what: string, value: string): void {
  console.log(`${what.padEnd(46)} ${value}`);
}

async function fill(server: Dataserver): Promise<void> {
  const device = await deviceOf(server);
  const block = 1 as BlockId;
  await server.createBlock({ device, block, generation: 1 });
  const data = systemRandom.bytes(2 ** 22);
  const owner = { blob: FREE, chunk: 0 };
  for (let i = 0; i < CHUNKS; i++) {
    const needle = systemRandom.needleId();
    const checksums = needleChecksums(block, needle, data);
    const address = { device, block, generation: 1, needle };
    const request = { ...address, owner, lengthBytes: data.length, checksums };
    const { kind } = await server.append(request, data);
    if (kind !== "stored") throw new Error(kind);
  }
}

async function scrubAndRecover(): Promise<void> {
  {
    await using server = await open();
    await fill(server);
    const started = performance.now();
    await server.scrub(await deviceOf(server), { bytesPerSecond: 1e12 });
    line(`scrub of ${CHUNKS * 4} MiB, unpaced, cached`, secondsSince(started));
  }
  rmSync(join(directory, "00000001.index"));
  const started = performance.now();
  await using _server = await open();
  line(`start without indexes, ${CHUNKS * 4} MiB to walk`, secondsSince(started));
}

const secondsSince = (started: number) => `${((performance.now() - started) / 1000).toFixed(2)} s`;

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
  await scrubAndRecover();
  rmSync(directory, { recursive: true });
  await nodeDisk.makeDirectory(directory);
  await (await open())[Symbol.asyncDispose]();
  await startLarge();
} finally {
  rmSync(directory, { recursive: true });
}
