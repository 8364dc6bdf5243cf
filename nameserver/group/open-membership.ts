/** What makes a nameserver one of several: lines to the others, the list of them, and its upkeep. */
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import type { QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import { type Levels, levelWork } from "../level-work.ts";
import type { StateFolder } from "../state-folder.ts";
import { Workers } from "../workers/worker.ts";
import type { HeldAnswers } from "./held-answers.ts";
import { Lonely } from "./lonely.ts";
import type { MemberRecord } from "./member-file.ts";
import { foundersOf } from "./membership.ts";
import { memberWork } from "./reconcile.ts";
import type { Replica } from "./replica.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import { Roster } from "./roster.ts";
import { Transport } from "./transport.ts";

const PAUSE_MS = 200;

export interface MembershipOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  readonly record: MemberRecord;
  readonly store: StateFolder;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity | undefined;
  readonly report: (message: string) => void;
  readonly holdLevel?: boolean | undefined;
}

export interface OpenMembership extends AsyncDisposable {
  readonly roster: Roster;
  /** What there is to say to those that asked. */
  readonly answers: HeldAnswers;
  /** What the replica of a member is opened with. */
  readonly replica: Partial<ReplicaOptions>;
  start(group: Replica): void;
  /** A row of the state is harmed: where others have it, this member stops. False: nobody has. */
  readonly onHarmed: (harm: QuarryError) => boolean;
  /** Nothing is begun any more. */
  stop(): Promise<void>;
}

export function openMembership(options: MembershipOptions): OpenMembership {
  const { record, clock, random, secret, tls, store } = options;
  let group: Replica | undefined;
  let work: Workers | undefined;
  let lonely: Lonely | undefined;
  let levels: Levels | undefined;
  const transport = new Transport({
    ...{ clock, random, secret, addresses: record.addresses },
    ...(tls && { tls }),
    onMessages: (messages) => {
      for (const message of messages) if (message.to === record.node) group?.receive(message);
    },
    onUnreachable: (node) => group?.unreachable(node),
  });
  const roster = new Roster({
    ...options,
    state: store,
    onAddresses: (addresses) => transport.follow(addresses),
    onRemoved: (why) => group?.retire(why),
  });
  const stop = async () => {
    await lonely?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  };
  const onHarmed = (harm: QuarryError) => {
    if (roster.hasOthers) group?.retire(harm);
    return roster.hasOthers;
  };
  return {
    roster,
    answers: transport.answers,
    onHarmed,
    replica: {
      node: record.node,
      founders: foundersOf(record),
      send: (messages) => transport.send(messages),
      mayRejoin: () => roster.hasOthers,
      levelsHeard: async () => await levels?.heard(),
      onApplied: () => {
        if (group !== undefined) roster.applied(group.configuration);
      },
    },
    start: (opened) => {
      group = opened;
      roster.applied(opened.configuration);
      const context = { ...options, group: opened, onHarmed };
      const nowMs = () => clock.monotonicMs();
      levels = levelWork({
        ...{ group: opened, clock, report: options.report, own: () => roster.knows },
        others: () => [...roster.rows().keys()].filter((node) => node !== record.node),
        ask: async (node) => (await transport.statusOf(node)).level,
      });
      const upkeep = [memberWork(opened, roster, nowMs), levels];
      work = new Workers(context, upkeep, PAUSE_MS);
      lonely = new Lonely({ ...options, group: opened, roster });
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await transport[Symbol.asyncDispose]();
      await roster.idle();
    },
  };
}
