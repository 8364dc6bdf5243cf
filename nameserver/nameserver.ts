/** The owner of the metadata: opens its folder, answers {@link NameService}, runs the workers. */
import type { Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { assert, QuarryError } from "../base/errors.ts";
import { ensureIdentity, readIdentity } from "../base/identity.ts";
import type { ServerId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { Command, CommandResult } from "../rpc/commands.ts";
import type { NameService, OpenBlock } from "../rpc/name-service.ts";
import { bucketInfo } from "./apply/buckets.ts";
import { leaveCleanEnd, takeCleanEnd } from "./clean-end.ts";
import type { Group } from "./group/group.ts";
import { claimFolder, foundersOf, type Membership } from "./group/membership.ts";
import { Replica } from "./group/replica.ts";
import { Transport } from "./group/transport.ts";
import { keys } from "./keyspace.ts";
import { listSegments } from "./log/segments.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { chunkRun } from "./queries/content.ts";
import { buckets, deleted, list } from "./queries/list.ts";
import { lookup } from "./queries/lookup.ts";
import { objectParts } from "./queries/object-parts.ts";
import { read, readBucket } from "./queries/read.ts";
import { parts, uploads } from "./queries/uploads.ts";
import { access, user, users } from "./queries/users.ts";
import { versions } from "./queries/versions.ts";
import { RowCache } from "./row-cache.ts";
import { configure, settingsWorker } from "./settings.ts";
import { type OpenStore, StateFolder } from "./state-folder.ts";
import { LevelState } from "./state-level.ts";
import type { Change } from "./state-store.ts";
import { whileLeading } from "./while-leading.ts";
import { collect } from "./workers/collect.ts";
import { compactBlocks } from "./workers/compaction.ts";
import { dropLeftovers } from "./workers/drop.ts";
import { expirePending, expireTrash } from "./workers/expire.ts";
import { settleAndSweep } from "./workers/settle.ts";
import { Tombstones } from "./workers/tombstones.ts";
import { type Worker, Workers } from "./workers/worker.ts";

export interface NameserverOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  readonly blocks: BlockService;
  readonly durability: Durability;
  /** How long deleted and overwritten names are held; default one hour. */
  readonly holdMs?: number;
  /** How long a pending blob may stay without a name; default 24 hours. */
  readonly pendingMs?: number;
  readonly openBlocksPerDevice?: number;
  /** How long a block stays sealed before it settles; default one minute. */
  readonly settleMs?: number;
  /** Pause of the workers when there is nothing to do; default one second. `off`: none run. */
  readonly workersPauseMs?: number | "off";
  readonly report: (message: string) => void;
  /** One of several; default: the only nameserver. */
  readonly member?: Membership;
  /** Another store than LevelDB, for tests. */
  readonly openState?: OpenStore;
}

export interface Nameserver extends NameService, AsyncDisposable {
  readonly id: ServerId;
  readonly group: Replica;
}

const OPEN_BLOCKS_PER_DEVICE = 2;
const SETTLE_MS = 60_000;
const WORKERS_PAUSE_MS = 1_000;
const LOOK_AT_BLOCKS_MS = 10_000;
const GARBAGE_SHARE = 0.3;

const clientCommands: { readonly [Type in Command["type"]]: true } = {
  createBucket: true,
  deleteBucket: true,
  configureBucket: true,
  putUser: true,
  removeUser: true,
  putAccessKey: true,
  removeAccessKey: true,
  addChunks: true,
  dropBlob: true,
  putObject: true,
  copyObject: true,
  describeObject: true,
  deleteObject: true,
  createUpload: true,
  putPart: true,
  putPartCopy: true,
  stageParts: true,
  completeUpload: true,
  abortUpload: true,
  undelete: true,
};

/**
 * Opens or creates the metadata in a folder.
 * @throws QuarryError `Locked`, `Damaged`, `NewerFormat`, `DiskFull`.
 */
export async function openNameserver(options: NameserverOptions): Promise<Nameserver> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  await using opening = new AsyncDisposableStack();
  const lock = opening.use(await disk.lock(directory));
  const mustExist = (await readIdentity(disk, directory)) !== undefined;
  if (options.member !== undefined) await claimFolder(disk, directory, options.member, mustExist);
  const cleanEnd = await takeCleanEnd(disk, directory, !mustExist);
  const { group, tombstones, cache, transport } = await openGroup(options, mustExist);
  opening.use(group);
  if (transport !== undefined) opening.use(transport);
  const identity = await ensureIdentity(disk, directory, "nameserver", options);
  if (options.member === undefined) await configure(group, options);
  const openBlocks = new OpenBlocks({
    group,
    blocks: options.blocks,
    clock: options.clock,
    report: options.report,
    perDevice: options.openBlocksPerDevice ?? OPEN_BLOCKS_PER_DEVICE,
  });
  const workers = startWorkers(options, group, openBlocks, cleanEnd);
  opening.move();
  const names = nameService(group, openBlocks, cache);
  return {
    ...(options.member === undefined ? names : whileLeading(names, group, options.member)),
    id: identity.id as ServerId,
    group,
    [Symbol.asyncDispose]: async () => {
      await using _lock = lock;
      await workers?.[Symbol.asyncDispose]();
      await tombstones.idle();
      await group[Symbol.asyncDispose]();
      await transport?.[Symbol.asyncDispose]();
      await leaveCleanEnd(disk, directory);
    },
  };
}

interface Opened {
  readonly group: Replica;
  readonly tombstones: Tombstones;
  readonly cache: RowCache;
  readonly transport: Transport | undefined;
}

async function openGroup(options: NameserverOptions, mustExist: boolean): Promise<Opened> {
  const { disk, clock, random, durability, report } = options;
  const { directory } = options;
  const logDirectory = `${directory}/log`;
  if (mustExist && (await listSegments(disk, logDirectory)).length === 0)
    throw new QuarryError(
      "Damaged",
      `${logDirectory} has lost its files; restore the nameserver's folder from a backup`,
    );
  const openState = options.openState ?? ((folder, must) => LevelState.open(disk, folder, must));
  const store = await StateFolder.open(disk, `${directory}/state`, openState, mustExist);
  const tombstones = new Tombstones(store, report);
  const cache = new RowCache(store);
  const onChanges = (changes: readonly Change[]) => {
    tombstones.saw(changes);
    cache.saw(changes);
  };
  let group: Replica | undefined;
  const { member } = options;
  const transport =
    member &&
    new Transport({ ...member, clock, random, onUnreachable: (node) => group?.unreachable(node) });
  try {
    group = await Replica.open({
      disk,
      clock,
      random,
      directory,
      durability,
      report,
      store,
      onChanges,
      onReplaced: () => cache.clear(),
      ...(member !== undefined && {
        node: member.node,
        founders: foundersOf(member),
        send: (messages) => transport?.send(messages),
      }),
    });
    return { group, tombstones, cache, transport };
  } catch (error) {
    await transport?.[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function startWorkers(
  options: NameserverOptions,
  group: Group,
  openBlocks: OpenBlocks,
  cleanEnd: boolean,
): Workers | undefined {
  const pauseMs = options.workersPauseMs ?? WORKERS_PAUSE_MS;
  if (pauseMs === "off") return undefined;
  const { blocks, clock, report } = options;
  const context = { group, blocks, clock, report };
  const settleMs = options.settleMs ?? SETTLE_MS;
  const lookMs = Math.min(settleMs, LOOK_AT_BLOCKS_MS);
  const workers = [
    ...(options.member === undefined ? [] : [settingsWorker(group, options)]),
    expirePending(context),
    expireTrash(context),
    dropLeftovers(context),
    collect(context, lookMs),
    sealLeftovers(openBlocks, clock, lookMs),
    settleAndSweep(context, { settleMs, lookMs, sweepAll: !cleanEnd }),
    compactBlocks(context, { lookMs, garbageShare: GARBAGE_SHARE }),
  ];
  return new Workers(context, workers, pauseMs);
}

function sealLeftovers(openBlocks: OpenBlocks, clock: Clock, lookMs: number): Worker {
  let lookedMs = clock.monotonicMs();
  return {
    name: "sealing of reported blocks",
    async step() {
      if (clock.monotonicMs() - lookedMs < lookMs) return false;
      lookedMs = clock.monotonicMs();
      await openBlocks.sealLeftovers();
      return false;
    },
  };
}

async function execute(group: Group, command: Command): Promise<CommandResult> {
  if (!Object.hasOwn(clientCommands, command.type))
    throw new QuarryError("NotImplemented", `clients cannot give the command ${command.type}`);
  const result = await group.propose(command);
  assert(result.type !== "lease", "only a lease is answered with one");
  return result;
}

function nameService(group: Group, openBlocks: OpenBlocks, cache: RowCache): NameService {
  const { state } = group;
  /** Reads what every acknowledged command left (INV-5). */
  const query =
    <Arguments extends unknown[], Answer>(
      answer: (...from: Arguments) => Answer | Promise<Answer>,
    ) =>
    async (...from: Arguments): Promise<Answer> => {
      await group.readBarrier();
      return await answer(...from);
    };
  return {
    execute: (command) => execute(group, command),
    bucket: query((name) => bucketInfo(name, readBucket(state, name))),
    buckets: query((owner, after, limit) => buckets(state, owner, after, limit)),
    lookup: query((request) => lookup(state, request)),
    chunks: query((pin, offset) => chunkRun(state, pin, offset)),
    objectParts: query((request) => objectParts(state, request)),
    versions: query(async (request) => {
      await using view = state.snapshot();
      return await versions(view, request);
    }),
    access: query((request) => access(cache, request)),
    user: query((by) => user(state, by)),
    users: query((after, limit) => users(state, after, limit)),
    list: query((request) => list(state, request)),
    uploads: query((request) => uploads(state, request)),
    parts: query((request) => parts(state, request)),
    deleted: query((request) => deleted(state, request)),
    leaseBlobs: async (count) => {
      const result = await group.propose({ type: "leaseBlobs", count });
      assert(result.type === "lease", "a lease is answered with one");
      return result.first;
    },
    openBlocks: (pool) => openBlocks.get(pool),
    locate: query((block): OpenBlock => {
      const row = read(state, keys.block(block));
      if (row === undefined) throw new QuarryError("NoSuchBlock", `there is no block ${block}`);
      return { block, generation: row.generation, members: row.members };
    }),
    reportBlock: (block, generation) => openBlocks.seal(block, generation),
  };
}
