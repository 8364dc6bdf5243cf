/** The owner of the metadata: opens its folder, answers {@link NameService}, runs the workers. */
import type { Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { ensureIdentity, readIdentity } from "../base/identity.ts";
import type { LogIndex, ServerId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { defaultSettings, type Settings } from "../raft/settings.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { LivenessService } from "../rpc/liveness-service.ts";
import type { NameService } from "../rpc/name-service.ts";
import { StatePieces } from "./backup/state-pieces.ts";
import { BlockClaims } from "./block-claims.ts";
import { leaveCleanEnd, takeCleanEnd } from "./clean-end.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import type { CopySettings } from "./copies/copies.ts";
import type { HeldAnswers } from "./group/held-answers.ts";
import type { MemberRecord } from "./group/member-file.ts";
import { claimFolder, hasOthers, type Membership, refuseMember } from "./group/membership.ts";
import { type OpenMembership, openMembership } from "./group/open-membership.ts";
import { Replica } from "./group/replica.ts";
import type { Roster } from "./group/roster.ts";
import { GroupTime } from "./group-time.ts";
import { nameserverStandings } from "./health/nameserver-standings.ts";
import type { Survey } from "./health/survey.ts";
import { LevelMark } from "./level-mark.ts";
import { raiseAlone } from "./level-work.ts";
import { checkLevel, levelOf } from "./levels.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { openStateFolder } from "./open-state.ts";
import { ChangedBlocks } from "./planner/changed-blocks.ts";
import { RowCache } from "./row-cache.ts";
import { nameService } from "./serve-names.ts";
import { configure } from "./settings.ts";
import { startPlanner, startWorkers } from "./start-work.ts";
import type { OpenStore } from "./state-folder.ts";
import { LevelState } from "./state-level.ts";
import { headOf } from "./state-machine.ts";
import type { Change } from "./state-store.ts";
import { WatchFeed } from "./watch/feed.ts";
import { whileLeading } from "./while-leading.ts";
import { Tombstones } from "./workers/tombstones.ts";

export interface NameserverOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  /** Who stores the blocks. Default, for one of several: the dataservers of the cluster map. */
  readonly blocks?: BlockService;
  readonly durability: Durability;
  /** How long deleted and overwritten names are held; default one hour. */
  readonly holdMs?: number;
  /** How long a pending blob may stay without a name; default 24 hours. */
  readonly pendingMs?: number;
  readonly openBlocksPerDevice?: number;
  /** How long a block stays sealed before it settles; default one minute. */
  readonly settleMs?: number;
  /** Copies of the metadata in blocks; default: none. */
  readonly copies?: CopySettings;
  /** Pause of the workers when there is nothing to do; default one second. `off`: none run. */
  readonly workersPauseMs?: number | "off";
  /** How reads are confirmed (raft/settings.ts). Default `quorum`, which relies on no clock. */
  readonly reads?: Settings["reads"];
  readonly report: (message: string) => void;
  /** One of several; default: the only nameserver. */
  readonly member?: Membership;
  /** Goes on as an earlier version would, so that one can be put back (docs/upgrade.md). */
  readonly holdLevel?: boolean;
  /** Another store than LevelDB, for tests. */
  readonly openState?: OpenStore;
}

export interface Nameserver extends NameService, AsyncDisposable {
  readonly id: ServerId;
  readonly group: Replica;
  readonly watches: WatchFeed;
  /** Where dataservers tell of themselves. */
  readonly liveness: LivenessService;
  /** Who the members are; only of one of several. */
  readonly roster: Roster | undefined;
  /** What it has to say to the others that asked; only of one of several. */
  readonly answers: HeldAnswers | undefined;
}

const OPEN_BLOCKS_PER_DEVICE = 2;
const NOTHING_APPLIED = 0 as LogIndex;

/**
 * Opens or creates the metadata in a folder.
 * @throws QuarryError `Locked`, `Damaged`, `NewerFormat`, `DiskFull`.
 */
export async function openNameserver(asked: NameserverOptions): Promise<Nameserver> {
  let timed: Pick<Replica, "timeMs"> | undefined;
  const time = new GroupTime(asked.clock, () => timed?.timeMs ?? 0, asked.report);
  const options = { ...asked, clock: time };
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  await using opening = new AsyncDisposableStack();
  const lock = opening.use(await disk.lock(directory));
  const mustExist = (await readIdentity(disk, directory)) !== undefined;
  const { member } = options;
  if (member === undefined) await refuseMember(disk, directory);
  const record = member && (await claimFolder(disk, directory, member, mustExist));
  const cleanEnd = await takeCleanEnd(disk, directory, !mustExist);
  let survey: Survey | undefined;
  const changed = new ChangedBlocks();
  const levelMark = new LevelMark(disk, directory, options.report);
  const saw = (changes: readonly Change[]) => {
    survey?.saw(changes);
    levelMark.saw(changes);
    changed.saw(changes);
  };
  const onReplaced = () => changed.replaced();
  const opened = await openGroup(options, record, mustExist, { saw, onReplaced });
  const { group, tombstones, cache, membership, watches } = opened;
  timed = opening.use(group);
  if (membership !== undefined) opening.use(membership);
  checkLevel(group.state);
  const identity = await ensureIdentity(disk, directory, "nameserver", options);
  levelMark.mark(levelOf(group.state));
  if (member === undefined) await startAlone(group, options);
  const cluster = opening.use(openCluster({ ...options, time }, group, membership?.roster));
  survey = cluster.survey;
  if (membership !== undefined)
    survey.nameservers = () => nameserverStandings(group, membership.roster, options.clock);
  const openBlocks = openBlocksOf(options, group, cluster);
  const { onHarmed } = membership ?? {};
  const { clock, report } = options;
  const claims = new BlockClaims();
  const context = { group, blocks: cluster.blocks, clock, report, onHarmed, claims };
  const workers = startWorkers(options, context, { group, cluster, openBlocks, cleanEnd });
  const planner = startPlanner(options, context, { cluster, openBlocks, changed });
  opening.move();
  const pieces = new StatePieces({ group, clock: options.clock, random: options.random });
  const names = nameService(group, openBlocks, cache, pieces, cluster, onHarmed);
  return {
    ...(membership === undefined ? names : whileLeading(names, group, membership.roster)),
    id: identity.id as ServerId,
    group,
    watches,
    liveness: cluster.liveness,
    roster: membership?.roster,
    answers: membership?.answers,
    [Symbol.asyncDispose]: async () => {
      await using _lock = lock;
      watches[Symbol.dispose]();
      await membership?.stop();
      // What it has ordered ends with the ways to the dataservers.
      const healing = planner?.[Symbol.asyncDispose]();
      await workers?.[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
      await healing;
      await tombstones.idle();
      await pieces[Symbol.asyncDispose]();
      await group[Symbol.asyncDispose]();
      await membership?.[Symbol.asyncDispose]();
      await levelMark.idle();
      await leaveCleanEnd(disk, directory);
    },
  };
}

function openBlocksOf(options: NameserverOptions, group: Replica, cluster: Cluster): OpenBlocks {
  return new OpenBlocks({
    group,
    blocks: cluster.blocks,
    map: () => cluster.map.get(),
    clock: options.clock,
    report: options.report,
    keptBytes: () => cluster.survey.keptBytes(),
    isHarmed: (block) =>
      cluster.stock
        .holders(block)
        .values()
        .some(({ damagedBytes }) => damagedBytes > 0),
    perDevice: options.openBlocksPerDevice ?? OPEN_BLOCKS_PER_DEVICE,
  });
}

/** What in a group whoever leads sees to. */
async function startAlone(group: Replica, options: NameserverOptions): Promise<void> {
  await configure(group, options);
  if (options.holdLevel !== true) await raiseAlone(group, options.report);
}

interface Opened {
  readonly group: Replica;
  readonly tombstones: Tombstones;
  readonly cache: RowCache;
  readonly membership: OpenMembership | undefined;
  readonly watches: WatchFeed;
}

async function openGroup(
  options: NameserverOptions,
  record: MemberRecord | undefined,
  mustExist: boolean,
  told: { readonly saw: (changes: readonly Change[]) => void; readonly onReplaced: () => void },
): Promise<Opened> {
  const { disk, clock, random, directory, durability, report } = options;
  const mayRejoin = record !== undefined && hasOthers(record);
  const openState = options.openState ?? ((folder, must) => LevelState.open(disk, folder, must));
  const at = { disk, directory: `${directory}/state`, openState, mustExist, mayRejoin, report };
  const store = await openStateFolder(at);
  const tombstones = new Tombstones(store, report);
  const cache = new RowCache(store);
  let group: Replica | undefined;
  const watches = new WatchFeed({
    ...{ clock, state: store, report },
    head: headOf(store)?.index ?? NOTHING_APPLIED,
    isLed: () => group?.leader !== undefined,
  });
  const membership =
    record && options.member && openMembership({ ...options, record, store, ...options.member });
  try {
    group = await Replica.open({
      ...{ disk, clock, random, directory, durability, report, store, mustExist },
      onChanging: (changes) => cache.changing(changes),
      onChanges: (changes) => {
        tombstones.saw(changes);
        cache.changed();
        membership?.roster.saw(changes);
        told.saw(changes);
      },
      onReplaced: () => {
        cache.clear();
        watches.replaced(headOf(store)?.index ?? NOTHING_APPLIED);
        membership?.roster.replaced();
        told.onReplaced();
      },
      observer: watches,
      ...(options.reads && { settings: { ...defaultSettings, reads: options.reads } }),
      ...membership?.replica,
    });
    membership?.start(group);
    return { group, tombstones, cache, membership, watches };
  } catch (error) {
    await membership?.[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
