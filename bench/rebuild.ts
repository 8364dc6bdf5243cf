/**
 * A lost member made anew beside `cp` of the same bytes between two of the folders: `node
 * bench/rebuild.ts [blocks] [directory]`. Every member is a dataserver that is asked over RPC; all of
 * them run in this process, so its CPU is that of both sides. Rates count what is read and what is
 * written together.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { FREE } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import { type PoolScheme, piecesOf } from "../rpc/pool.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { blockTable } from "../rpc/tables.ts";

const BLOCK_BYTES = 64 * 2 ** 20;
const AT_ONCE = 4;
const blocks = Number(process.argv[2] ?? 6);
const root = mkdtempSync(join(process.argv[3] ?? tmpdir(), "quarry-rebuild-"));
const seams = { clock: systemClock, random: systemRandom, secret: Buffer.alloc(32, 7) };

interface Member extends AsyncDisposable {
  readonly folder: string;
  readonly server: Dataserver;
  readonly device: DeviceId;
  readonly address: string;
}

async function openMember(name: string): Promise<Member> {
  const folder = join(root, name);
  const lines = new Map<string, RpcClient>();
  const server = await openDataserver({
    ...{ disk: nodeDisk, clock: systemClock, random: systemRandom, directories: [folder] },
    ...{ durability: "none", reserveBytes: 0 },
    peerOf: (path) => {
      const line = lines.get(path) ?? new RpcClient({ ...seams, address: { path } });
      lines.set(path, line);
      return connect(blockTable, line);
    },
  });
  const path = join(root, `${name}.sock`);
  const services = [serve(server, blockTable)];
  const rpc = await RpcServer.listen({
    ...seams,
    address: { path },
    services,
    report: console.error,
  });
  const device = (await server.devices())[0]?.device as DeviceId;
  return {
    ...{ folder, server, device, address: path },
    async [Symbol.asyncDispose]() {
      for (const line of lines.values()) line.close();
      await rpc[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Blocks full of pieces of this size. Of a split scheme all pieces are random: any k decode to something. */
async function fill(members: readonly Member[], scheme: PoolScheme, pieceBytes: number) {
  const data = systemRandom.bytes(pieceBytes);
  for (let n = 1; n <= blocks; n++) {
    const at = { block: n as BlockId, generation: 1 };
    for (const [piece, { server, device }] of members.entries())
      await server.createBlock({ device, ...at }, { piece, scheme });
    for (let full = false; !full; ) {
      const needle = systemRandom.needleId();
      const checksums = needleChecksums(at.block, needle, data);
      const owner = { blob: FREE, chunk: 0 };
      const what = { ...at, needle, owner, lengthBytes: data.length, checksums };
      const told = await Promise.all(
        members.map(({ server, device }) => server.append({ device, ...what }, data)),
      );
      full = told.some(({ kind }) => kind === "full");
    }
    for (const { server, device } of members) await server.sealBlock({ device, ...at });
  }
}

const rate = (bytes: number, seconds: number) => `${Math.round(bytes / seconds / 1e6)} MB/s`;

function copied(from: string, to: string): number {
  execFileSync("sync", ["-f", root]);
  const started = performance.now();
  execFileSync("cp", ["-r", from, to]);
  execFileSync("sync", ["-f", to]);
  const seconds = (performance.now() - started) / 1000;
  const bytes = Array.from({ length: blocks }, (_, i) =>
    join(to, `${(i + 1).toString(16).padStart(8, "0")}.block`),
  ).reduce((sum, path) => sum + statSync(path).size, 0);
  rmSync(to, { recursive: true });
  return (2 * bytes) / seconds;
}

async function rebuilt(members: readonly Member[], scheme: PoolScheme, target: Member) {
  const sources = members
    .slice(1)
    .map(({ device, address }, i) => ({ piece: i + 1, device, address }));
  const layout = scheme.k === 1 ? ("whole" as const) : ("split" as const);
  let [read, written, next] = [0, 0, 1];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const worker = async () => {
    while (next <= blocks) {
      const at = { device: target.device, block: next++ as BlockId, generation: 1 };
      const done = await target.server.rebuild({ ...at, piece: 0, scheme, layout, sources });
      read += done.readBytes;
      written += done.writtenBytes;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { read, written, seconds, cpuSeconds: (user + system) / 1e6 };
}

async function measure(scheme: PoolScheme, pieceBytes: number): Promise<void> {
  await using all = new AsyncDisposableStack();
  const members: Member[] = [];
  for (let i = 0; i < piecesOf(scheme); i++) members.push(all.use(await openMember(`member${i}`)));
  const target = all.use(await openMember("target"));
  await fill(members, scheme, pieceBytes);
  const [, from] = members;
  if (from === undefined) throw new Error("there is nobody to copy from");
  const before = copied(from.folder, join(root, "copy"));
  const { read, written, seconds, cpuSeconds } = await rebuilt(members, scheme, target);
  const after = copied(from.folder, join(root, "copy"));
  const cp = (before + after) / 2;
  console.log(
    `${scheme.k}+${scheme.m}, pieces of ${pieceBytes / 1024} KiB:`.padEnd(30),
    `${Math.round(written / 2 ** 20)} MiB made anew at ${rate(read + written, seconds)}`,
    `(written ${rate(written, seconds)}), ${((cpuSeconds * 1e9) / written).toFixed(2)} s CPU a GB written;`,
    `cp and sync ${rate(cp, 1)}: ${((read + written) / seconds / cp).toFixed(2)} of it`,
  );
}

try {
  for (const [k, m, kib] of [
    [1, 2, 4096],
    [1, 2, 64],
    [1, 2, 4],
    [4, 2, 1024],
    [4, 2, 64],
  ] as const) {
    await measure({ k, m }, kib * 1024);
    rmSync(root, { recursive: true });
    await nodeDisk.makeDirectory(root);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(`${blocks} blocks of ${BLOCK_BYTES / 2 ** 20} MiB, ${AT_ONCE} at once`);
