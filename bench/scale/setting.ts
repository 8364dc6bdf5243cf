/** What is simulated, and what follows from it by counting alone. Pure. Sizes in bytes, rates a second. */
import { limits } from "../../base/limits.ts";
import { recordBytes } from "../../dataserver/record.ts";
import { SUPERBLOCK_BYTES } from "../../dataserver/superblock.ts";
import type { PoolScheme } from "../../rpc/pool.ts";

/** `split`: each object in k pieces and m parities. `striped`: whole blocks of them, encoded as one run. */
export type Packing = "split" | "striped";

export interface Setting {
  readonly devices: number;
  readonly racks: number;
  /** Each device has a dataserver of its own; so many stand on one machine. */
  readonly hostDevices: number;
  readonly objects: number;
  readonly objectBytes: number;
  readonly scheme: PoolScheme;
  readonly packing: Packing;
  readonly pgNum: number;
  readonly disk: Disk;
  /** Of each host, and of each rack to the others, in each direction. */
  readonly hostBytes: number;
  readonly rackBytes: number;
  /** What one dataserver's process can take in and give out while it makes a member anew. */
  readonly processBytes: number;
  /** Time that the disks have for healing beside their clients, 0 … 1. */
  readonly healingShare: number;
  /** How many blocks are simulated one by one. */
  readonly simulated: number;
}

export interface Disk {
  readonly name: string;
  readonly bytes: number;
  /** Of each request that does not follow the one before. */
  readonly seekMs: number;
}

export const disks: Readonly<Record<string, Disk>> = {
  hdd: { name: "hdd", bytes: 200e6, seekMs: 8 },
  ssd: { name: "ssd", bytes: 500e6, seekMs: 0.1 },
  nvme: { name: "nvme", bytes: 2_500e6, seekMs: 0.05 },
};

/** Counted for the whole cluster. */
export interface Counted {
  readonly blocks: number;
  readonly objectsPerBlock: number;
  readonly pieces: number;
  /** One member's file. */
  readonly pieceBytes: number;
  readonly storedBytes: number;
  readonly deviceBytes: number;
}

export function counted(setting: Setting): Counted {
  const { objects, devices, scheme } = setting;
  const { objectsPerBlock, pieceBytes } = packed(setting);
  const blocks = Math.ceil(objects / objectsPerBlock);
  const pieces = blocks * (scheme.k + scheme.m);
  const storedBytes = pieces * pieceBytes;
  return {
    ...{ blocks, objectsPerBlock, pieces, pieceBytes, storedBytes },
    deviceBytes: storedBytes / devices,
  };
}

/** How many objects fill a block, and how long the file of one member is then. */
function packed({ objectBytes, scheme, packing }: Setting) {
  const room = limits.blockBytes - SUPERBLOCK_BYTES;
  const isSplit = packing === "split";
  const one = recordBytes(isSplit ? Math.ceil(objectBytes / scheme.k) : objectBytes);
  const objectsPerBlock = Math.max(1, Math.floor(room / one));
  const blockBytes = objectsPerBlock * one;
  const pieceBytes = Math.ceil(isSplit ? blockBytes : blockBytes / scheme.k);
  return { objectsPerBlock, pieceBytes };
}

/** The part of all blocks that is simulated one by one. */
export const shareOf = (setting: Setting): number =>
  Math.min(1, setting.simulated / counted(setting).blocks);
