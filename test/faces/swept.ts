/**
 * What remains of a stopped store when everything that waits for a time has come: what was deleted is
 * collected, and what nobody names is swept. Then it is checked, every byte of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import type { BlobId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { fsck } from "../../cli/fsck/fsck.ts";
import { attendOwnDevices } from "../../client/own-devices.ts";
import { openDataserver } from "../../dataserver/dataserver.ts";
import { wholeRows } from "../../nameserver/audit/audit-blobs.ts";
import { isSystemBlob } from "../../nameserver/copies/copy-blobs.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { KeyReader, type Tag } from "../../nameserver/keyspace.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import type { BlobRow } from "../../nameserver/rows.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";

const WITHIN_MS = 120_000;
/** Later than what is deleted is held, and than what has no name yet may wait for one. */
const LATER_MS = 30 * 3_600_000;
const later: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + LATER_MS };
const QUEUES: readonly Tag[] = ["trash", "dueQueue", "pendingQueue", "collectQueue", "dropQueue"];

/** Resolves with how many blobs of objects there are in the end. */
export async function sweepAll(data: string): Promise<number> {
  const shared = {
    ...{ disk: nodeDisk, clock: later, random: systemRandom, report: () => undefined },
    ...({ durability: "none" } as const),
  };
  await using dataserver = await openDataserver({ ...shared, directories: [`${data}/device`] });
  await using nameserver = await openNameserver({
    ...{ ...shared, directory: `${data}/nameserver`, blocks: dataserver },
    ...{ settleMs: 0, workersPauseMs: 5 },
  });
  const own = { nameserver, dataserver, location: { host: "local" }, ...shared };
  await using _attendance = await attendOwnDevices(own);
  const { state } = nameserver.group;
  for await (const { block, row } of blockRows(state))
    if (row.state === "open") await nameserver.reportBlock(block, row.generation, "full");
  const untilMs = performance.now() + WITHIN_MS;
  for (let waits = await waiting(state); waits !== ""; waits = await waiting(state)) {
    if (performance.now() > untilMs) throw new Error(`not swept in time: ${waits}`);
    await sleep(20);
  }
  let blobs = 0;
  for await (const [key] of wholeRows<BlobRow>(state, "blob"))
    if (!isSystemBlob(new KeyReader(key).u56() as BlobId)) blobs++;
  return blobs;
}

/** What is still to be done. */
async function waiting(state: StateReader): Promise<string> {
  for (const tag of QUEUES) for await (const _ of wholeRows(state, tag)) return tag;
  for await (const { block, row } of blockRows(state))
    if (row.swept !== true) return `block ${block} is ${row.state}`;
  return "";
}

export interface Fsck {
  readonly missing: number;
  readonly thin: number;
  readonly orphans: number;
  readonly problems: number;
  readonly free: number;
  readonly findings: readonly string[];
}

export async function check(data: string): Promise<Fsck> {
  const findings: string[] = [];
  const { audit, check: found } = await fsck({
    ...{ disk: nodeDisk, clock: systemClock, directories: [data], onStep: () => undefined },
    onFinding: (finding) => {
      if (finding.kind !== "note") findings.push(JSON.stringify(finding));
    },
  });
  if (audit === undefined || found === undefined)
    throw new Error(`fsck could not look at ${data}: ${findings}`);
  const { missing, thin, orphans, free } = found;
  return { missing, thin, orphans, problems: audit.problems, free, findings };
}
