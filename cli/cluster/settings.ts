/** What `quarry cluster` was asked to do. */
import { resolve } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type PoolScheme, piecesOf } from "../../rpc/pool.ts";
import { checkedCapacity } from "../dataserver/settings.ts";
import type { ClusterSize } from "./found.ts";
import type { Kind } from "./plan.ts";

export interface ClusterFlags {
  readonly data: string;
  readonly nameservers: number;
  readonly dataservers: number;
  readonly racks: number;
  readonly gateways: number;
  readonly port: number;
  /** Bytes. */
  readonly diskSize: number;
  readonly replicas?: number;
  readonly largeScheme?: PoolScheme | "none";
  readonly json?: boolean;
}

export interface ClusterSettings {
  /** Absolute. */
  readonly directory: string;
  readonly size: ClusterSize;
}

export const mostOf: Readonly<Record<Kind, number>> = {
  nameserver: limits.raftMembers,
  dataserver: limits.clusterMembers,
  gateway: limits.clusterMembers,
};

export function clusterSettings(flags: ClusterFlags): ClusterSettings {
  const { nameservers, dataservers, racks, gateways, port, diskSize, replicas } = flags;
  const { largeScheme } = flags;
  const diskBytes = checkedCapacity(diskSize);
  return {
    directory: directoryFrom(flags.data),
    size: {
      ...{ nameservers, dataservers, racks, gateways, port, diskBytes },
      ...(replicas !== undefined && { replicas: enough("--replicas", replicas, dataservers) }),
      ...(largeScheme !== undefined && { largeScheme: fitting(largeScheme, dataservers) }),
    },
  };
}

function fitting(scheme: PoolScheme | "none", dataservers: number): PoolScheme | null {
  if (scheme === "none") return null;
  enough("--large-scheme", piecesOf(scheme), dataservers);
  return scheme;
}

function enough(flag: string, pieces: number, dataservers: number): number {
  if (pieces <= dataservers) return pieces;
  throw new QuarryError(
    "InvalidArgument",
    `${flag} needs ${pieces} dataservers, each on a host of its own; there would be ${dataservers}`,
  );
}

export function directoryFrom(data: string): string {
  // An unset shell variable must not make the current folder a data folder.
  if (data === "")
    throw new QuarryError("InvalidArgument", "--data needs a folder, and was given an empty name");
  return resolve(data);
}
