/** What a nameserver pays for each piece that devices report: memory, and CPU for hearing and taking it in. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BlockId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { Stock } from "../../nameserver/stock/stock.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import { decodeHeader, encodeHeader } from "../../rpc/codec.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { deviceId } from "../../test/metadata/cluster-state.ts";

export interface StockCost {
  readonly pieces: number;
  readonly bytesPerPiece: number;
  /** Unpacking its report and taking it in. */
  readonly hearMicros: number;
  /** Packing it, on the dataserver. */
  readonly tellMicros: number;
}

/** @param blocks Each has its pieces on as many devices of `devices`, in turns. */
export function stockCost(blocks: number, devices: number, scheme: PoolScheme): StockCost {
  const count = scheme.k + scheme.m;
  const reports = Array.from({ length: devices }, (): BlockStatus[] => []);
  const before = heapBytes();
  const stock = new Stock();
  stock.begin(1 as Term);
  let hearMicros = 0;
  let tellMicros = 0;
  let told = 0;
  const tell = (number: number, more: boolean) => {
    const all = reports[number] ?? [];
    const upTo = { era: number + 1, number: ++told };
    const began = process.threadCpuUsage();
    const bytes = encodeHeader({ blocks: all, gone: [], upTo, more });
    tellMicros += microsOf(process.threadCpuUsage(began));
    const begun = process.threadCpuUsage();
    stock.told(deviceId(number), decodeHeader(bytes) as Parameters<Stock["told"]>[1]);
    hearMicros += microsOf(process.threadCpuUsage(begun));
    reports[number] = [];
  };
  for (let n = 1; n <= blocks; n++)
    for (let piece = 0; piece < count; piece++) {
      const number = (n * 7 + piece * 11) % devices;
      const report = reports[number];
      report?.push(statusOf(n as BlockId, piece, scheme));
      if (report?.length === limits.reportBlocks) tell(number, true);
    }
  for (let number = 0; number < devices; number++) tell(number, false);
  const pieces = blocks * count;
  const bytesPerPiece = (heapBytes() - before) / pieces;
  // It is in use until here.
  stock.forget(deviceId(devices));
  return {
    pieces,
    bytesPerPiece,
    hearMicros: hearMicros / pieces,
    tellMicros: tellMicros / pieces,
  };
}

function statusOf(block: BlockId, piece: number, scheme: PoolScheme): BlockStatus {
  return {
    ...{ block, generation: 1, sealed: true, needles: 4_000, liveBytes: 66_000_000 + block },
    ...{ fileBytes: 67_000_000, digest: BigInt(block) * 0x9e3779b97f4a7c15n, damage: [] },
    ...{ checkedMs: 1_700_000_000_000 + block, salt: (block * 2_654_435_761) >>> 0 },
    piece: { piece, scheme },
  };
}

const microsOf = ({ user, system }: NodeJS.CpuUsage): number => user + system;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
