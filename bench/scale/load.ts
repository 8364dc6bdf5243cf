/** What clients and dataservers ask of the nameservers a second, when the cluster works as its disks allow. Pure. */
import { limits } from "../../base/limits.ts";
import { counted, type Setting } from "./setting.ts";

export interface Load {
  /** PUTs that the disks take, if they do nothing else, each piece written once. */
  readonly putsOfDisks: number;
  /** To store all objects within a year. */
  readonly putsOfYear: number;
  /** Blocks that are opened at the rate of the disks. */
  readonly opened: number;
  /** To each nameserver. */
  readonly heartbeats: number;
  /** Pieces that are told of, to each nameserver: made, sealed, settled and striped. */
  readonly told: number;
}

const YEAR_SECONDS = 365 * 24 * 3_600;
/** How often a member of a block is told of, over its life. */
const TOLD = 3;

export function loadOf(setting: Setting): Load {
  const { devices, disk, scheme, objects } = setting;
  const { objectsPerBlock, pieceBytes } = counted(setting);
  const count = scheme.k + scheme.m;
  const putsOfDisks = (devices * disk.bytes * objectsPerBlock) / (count * pieceBytes);
  const opened = putsOfDisks / objectsPerBlock;
  return {
    ...{ putsOfDisks, putsOfYear: objects / YEAR_SECONDS, opened },
    heartbeats: (devices * 1_000) / limits.heartbeatMs,
    told: opened * count * TOLD,
  };
}
