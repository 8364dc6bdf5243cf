/** What a dataserver tells about its disks: for the log, for metrics, and for whoever repairs. */
import type { NeedleId } from "../base/ids.ts";

export type DiskReportKind =
  /** Bytes that were stored and synced fail their checksum. */
  | "damage"
  /** What a crash left behind the last whole record was cut off. Nothing acknowledged was in it. */
  | "torn-tail"
  /** An index file was damaged or missing and was made anew from its block. */
  | "index-rebuilt"
  /** A file of an unfinished creation or compaction was removed. */
  | "leftover"
  /** The file of a block went while the server ran. */
  | "gone"
  /** A device was opened by another dataserver, or at another place, before. */
  | "moved"
  /** A device takes no more appends (INV-8). */
  | "device-failed";

export interface DiskReport {
  readonly kind: DiskReportKind;
  readonly path: string;
  readonly message: string;
  readonly offset?: number;
  readonly lengthBytes?: number;
  /** The needle whose bytes they are, where known. */
  readonly needle?: NeedleId;
}

export type Report = (report: DiskReport) => void;

/** A run of bytes of a file that cannot be trusted. */
export interface Damage {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** True when any damage touches [offset, offset + lengthBytes). */
export function isTouched(damage: readonly Damage[], offset: number, lengthBytes: number): boolean {
  return damage.some((d) => d.offset < offset + lengthBytes && offset < d.offset + d.lengthBytes);
}
