/**
 * What the folder of a cluster remembers, so that a second start is the same cluster: its members with
 * their names, ports and racks. `cluster.json`, replaced as a whole.
 */
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { FirstPools } from "./first-pools.ts";

export type Kind = "nameserver" | "dataserver" | "gateway";

const prefixes = { nameserver: "ns", dataserver: "ds", gateway: "gw" } as const;

export interface PlannedMember {
  /** `ns1`, `ds3`, `gw1`. */
  readonly name: string;
  readonly kind: Kind;
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Of a dataserver. */
  readonly rack?: string;
  /** A nameserver that came later, and is none of the founders. */
  readonly joins?: true;
  /** It has taken part once: a nameserver is not founded, and does not join, a second time. */
  readonly hasBegun: boolean;
  /** It is none any more; its name and port are not given again. */
  readonly isForgotten?: true;
}

export interface ClusterPlan {
  /** What each dataserver takes of the disk at most. */
  readonly diskBytes: number;
  readonly members: readonly PlannedMember[];
  /** Of a new cluster: still to be made. */
  readonly pools?: FirstPools;
}

const FORMAT = 1;

export const membersOf = (plan: ClusterPlan, kind: Kind): readonly PlannedMember[] =>
  plan.members.filter((member) => member.kind === kind && member.isForgotten !== true);

export const addressOf = ({ port }: PlannedMember): string => `127.0.0.1:${port}`;

/** The name of the next of its kind; names of those that were never come back. */
export function nextName(plan: ClusterPlan, kind: Kind): string {
  const numbers = plan.members.filter((member) => member.kind === kind).map(numberOf);
  return `${prefixes[kind]}${Math.max(0, ...numbers) + 1}`;
}

export const numberOf = ({ name }: PlannedMember): number => Number(name.slice(2));

/** Undefined when there is none yet. */
export async function readPlan(disk: Disk, path: string): Promise<ClusterPlan | undefined> {
  if (!(await disk.exists(path))) return undefined;
  const text = (await readWhole(disk, path)).toString();
  const kept = parsed(text) as (ClusterPlan & { readonly format: number }) | null;
  if (!Array.isArray(kept?.members))
    throw new QuarryError(
      "Damaged",
      `${path} cannot be read. Bring it back from a copy, or start the members by hand (docs/cluster.md): their folders are beside it`,
    );
  if (kept.format > FORMAT)
    throw new QuarryError("NewerFormat", `${path} was written by a newer version of Quarry`);
  const { diskBytes, members, pools } = kept;
  return { diskBytes, members, ...(pools && { pools }) };
}

export async function writePlan(disk: Disk, path: string, plan: ClusterPlan): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...plan }, null, 2)}\n`;
  await replaceWhole(disk, path, Buffer.from(text));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null; // the caller says what is wrong, and what to do
  }
}
