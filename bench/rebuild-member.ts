/**
 * One dataserver of bench/rebuild.ts, a process of its own: `node bench/rebuild-member.ts FOLDER`, forked
 * with a channel on which it is told what to store and asked for the CPU that it took.
 */
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { FREE } from "../base/ids.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import { openDataserver } from "../dataserver/dataserver.ts";
import { formatAddress, parseAddress } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import type { PoolScheme } from "../rpc/pool.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { blockTable } from "../rpc/tables.ts";

export interface Fill {
  readonly kind: "fill";
  readonly blocks: number;
  readonly piece: number;
  readonly scheme: PoolScheme;
  readonly pieceBytes: number;
}

export type Told = Fill | { readonly kind: "cpu" } | { readonly kind: "end" };

export type Answer =
  | { readonly kind: "ready"; readonly address: string; readonly device: DeviceId }
  | { readonly kind: "filled" }
  | {
      readonly kind: "cpu";
      readonly user: number;
      readonly system: number;
      readonly peakBytes: number;
    };

/** What all processes of one run know. */
export const benchSecret = Buffer.alloc(32, 7);

const [folder] = process.argv.slice(2);
const isMember = import.meta.main && folder !== undefined && process.send !== undefined;
if (isMember) await serveMember(folder);

async function serveMember(directory: string): Promise<void> {
  const seams = { clock: systemClock, random: systemRandom, secret: benchSecret };
  const lines = new Map<string, RpcClient>();
  const server = await openDataserver({
    ...{ disk: nodeDisk, clock: systemClock, random: systemRandom, directories: [directory] },
    ...{ durability: "none", reserveBytes: 0 },
    peerOf: (text) => {
      const line = lines.get(text) ?? new RpcClient({ ...seams, address: parseAddress(text) });
      lines.set(text, line);
      return connect(blockTable, line);
    },
  });
  const rpc = await RpcServer.listen({
    ...{ ...seams, address: { host: "127.0.0.1", port: 0 } },
    ...{ services: [serve(server, blockTable)], report: console.error },
  });
  const device = (await server.devices())[0]?.device as DeviceId;
  const answer = (what: Answer) => process.send?.(what);
  const obey = async (told: Told) => {
    if (told.kind === "fill") {
      await fill(server, device, told);
      answer({ kind: "filled" });
    } else if (told.kind === "cpu") {
      const { user, system } = process.cpuUsage();
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      answer({ kind: "cpu", user: user / 1e6, system: system / 1e6, peakBytes });
    } else {
      for (const line of lines.values()) line.close();
      await rpc[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      process.disconnect?.();
    }
  };
  process.on("message", (told: Told) => void obey(told));
  answer({ kind: "ready", address: formatAddress(rpc.address), device });
}

/**
 * Blocks full of needles, the same ids at every member but not quite in the same order, as when many
 * clients write. Of a split scheme the pieces are any bytes: every k of them decode to something.
 */
async function fill(
  server: Awaited<ReturnType<typeof openDataserver>>,
  device: DeviceId,
  { blocks, piece, scheme, pieceBytes }: Fill,
): Promise<void> {
  const data = seededRandom(scheme.k === 1 ? 1 : piece).bytes(pieceBytes);
  const ids = seededRandom(99);
  const mix = seededRandom(piece);
  const most = Math.floor((64 * 2 ** 20 - 4096) / (pieceBytes + 48 + pieceBytes / 16_384));
  for (let n = 1; n <= blocks; n++) {
    const at = { device, block: n as BlockId, generation: 1 };
    await server.createBlock(at, { piece, scheme });
    const waiting: NeedleId[] = [];
    for (let i = 0; i < most; ) {
      const group: Promise<unknown>[] = [];
      for (let one = 0; one < 64 && i < most; one++, i++) {
        waiting.push(ids.needleId());
        if (waiting.length < 16 && i + 1 < most) continue;
        const last = i + 1 === most ? waiting.length : 1;
        for (let j = 0; j < last; j++) {
          const [needle] = waiting.splice(mix.u32() % waiting.length, 1) as [NeedleId];
          const checksums = needleChecksums(at.block, needle, data);
          const owner = { blob: FREE, chunk: 0 };
          const what = { ...at, needle, owner, lengthBytes: data.length, checksums };
          group.push(server.append(what, data));
        }
      }
      await Promise.all(group);
    }
    await server.sealBlock(at);
  }
}
