/** The membership of a simulated nameserver: what `openMembership` puts together, without its lines. */
import type { Disk } from "../../base/disk.ts";
import type { NodeId } from "../../base/ids.ts";
import { type MemberRecord, readMember, writeMember } from "../../nameserver/group/member-file.ts";
import { beginVote, foundersOf } from "../../nameserver/group/membership.ts";
import { memberWork } from "../../nameserver/group/reconcile.ts";
import type { Replica } from "../../nameserver/group/replica.ts";
import { Roster } from "../../nameserver/group/roster.ts";
import type { StateFolder } from "../../nameserver/state-folder.ts";
import { Workers } from "../../nameserver/workers/worker.ts";
import type { SimProcess } from "./process.ts";

const WORK_PAUSE_MS = 200;

export interface SimMemberOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly store: StateFolder;
  /** What the folder is told when it is new. */
  readonly first: MemberRecord;
  readonly process: SimProcess;
  readonly report: (message: string) => void;
}

export async function openMember(options: SimMemberOptions) {
  const { disk, directory, store, first, process, report } = options;
  const known = await readMember(disk, directory);
  const record = typeof known === "object" ? known : first;
  if (record !== known) {
    await beginVote(disk, directory, true);
    await writeMember(disk, directory, record);
  }
  let group: Replica | undefined;
  const roster = new Roster({
    ...{ disk, directory, record, state: store, report },
    onAddresses: () => undefined,
    onRemoved: (why) => group?.retire(why),
  });
  return {
    roster,
    replica: {
      founders: foundersOf(record),
      mayRejoin: () => roster.hasOthers,
      onApplied: () => {
        if (group !== undefined) roster.applied(group.configuration);
      },
    },
    start(opened: Replica): void {
      group = opened;
      roster.applied(opened.configuration);
      const { clock } = process;
      const work = memberWork(opened, roster, () => clock.monotonicMs());
      new Workers({ group: opened, clock, report }, [work], WORK_PAUSE_MS);
    },
  };
}

/** Of somebody who founds the group with the others. */
export function founding(
  node: NodeId,
  founders: readonly NodeId[],
  addressOf: (node: NodeId) => ReturnType<MemberRecord["addresses"]["get"]>,
): MemberRecord {
  const addresses = new Map(
    founders.flatMap((one) => {
      const address = addressOf(one);
      return address === undefined ? [] : [[one, address] as const];
    }),
  );
  return { node, token: "", founders, voters: founders, addresses };
}
