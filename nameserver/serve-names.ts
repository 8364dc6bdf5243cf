/** Answers {@link NameService}: commands go to the group, queries to its state. */
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Command, CommandResult, Once } from "../rpc/commands.ts";
import type { NameService, OpenBlock } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { bucketInfo } from "./apply/buckets.ts";
import type { StatePieces } from "./backup/state-pieces.ts";
import { blockOf } from "./block-of.ts";
import { isClientCommand } from "./client-commands.ts";
import type { Cluster } from "./cluster.ts";
import type { Group } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import type { OpenBlocks } from "./open-blocks.ts";
import { chunkRun } from "./queries/content.ts";
import { buckets, deleted, list } from "./queries/list.ts";
import { lookup } from "./queries/lookup.ts";
import { objectParts } from "./queries/object-parts.ts";
import { read, readBucket } from "./queries/read.ts";
import { streams } from "./queries/streams.ts";
import { parts, uploads } from "./queries/uploads.ts";
import { access, user, users } from "./queries/users.ts";
import { versions } from "./queries/versions.ts";
import { type Removal, remove } from "./removals.ts";
import type { RowCache } from "./row-cache.ts";
import { HarmedRow } from "./row-codec.ts";

async function execute(group: Group, command: Command, once?: Once): Promise<CommandResult> {
  if (!isClientCommand(command.type))
    throw new QuarryError("NotImplemented", `clients cannot give the command ${command.type}`);
  if (once !== undefined) check(once);
  const result = await group.propose(command, once);
  assert(
    result.type !== "lease" && result.type !== "session" && result.type !== "member",
    "a client's command has its answer",
  );
  return result;
}

/** Something is to be seen to before these are proposed. */
const prepared: ReadonlySet<string> = new Set<Command["type"]>([
  ...(["registerDataserver", "removePool", "removeDevice", "removeDataserver"] as const),
]);

async function prepare(
  work: { readonly group: Group; readonly cluster: Cluster; readonly openBlocks: OpenBlocks },
  command: Command,
  once: Once | undefined,
): Promise<CommandResult> {
  const { group, cluster, openBlocks } = work;
  if (command.type === "registerDataserver") await cluster.admit(command);
  if (command.type === "removePool") await openBlocks.endPool(command.pool);
  if (command.type === "removeDevice" || command.type === "removeDataserver") {
    await group.readBarrier();
    const { blocks, liveness } = cluster;
    const propose = (seen: Removal) => execute(group, seen, once);
    return await remove({ group, blocks, liveness, propose }, command);
  }
  return await execute(group, command, once);
}

/** What goes into the log must fit there. */
function check({ session, sequence }: Once): void {
  const fits = Number.isSafeInteger(session) && Number.isInteger(sequence);
  if (!fits || session < 1 || sequence < 1 || sequence > limits.sessionSequence)
    throw new QuarryError("InvalidArgument", "a session and a number in it belong together");
}

/** `onHarmed`: there are others who can answer what cannot be read here. */
export function nameService(
  group: Group,
  openBlocks: OpenBlocks,
  cache: RowCache,
  pieces: StatePieces,
  cluster: Cluster,
  onHarmed?: (harm: QuarryError) => boolean,
): NameService {
  const { state } = group;
  /** Reads what every acknowledged command left (INV-5). */
  const query =
    <Arguments extends unknown[], Answer>(
      answer: (...from: Arguments) => Answer | Promise<Answer>,
    ) =>
    async (...from: Arguments): Promise<Answer> => {
      await group.readBarrier();
      try {
        return await answer(...from);
      } catch (error) {
        if (!(error instanceof HarmedRow) || onHarmed?.(error) !== true) throw error;
        throw new NotLeader("this nameserver found its state harmed; ask the others", undefined);
      }
    };
  return {
    execute: (command, once) =>
      prepared.has(command.type)
        ? prepare({ group, cluster, openBlocks }, command, once)
        : execute(group, command, once),
    openSession: async () => {
      const result = await group.propose({ type: "openSession" });
      assert(result.type === "session", "a session is answered with its id");
      return result.session;
    },
    closeSession: async (session) => {
      await group.propose({ type: "closeSession", session });
    },
    bucket: query((name) => bucketInfo(name, readBucket(state, name))),
    buckets: query((owner, after, limit) => buckets(state, owner, after, limit)),
    lookup: query((request) => lookup(state, request, cache.read)),
    chunks: query((pin, offset) => chunkRun(state, pin, offset, cache.read)),
    objectParts: query((request) => objectParts(state, request)),
    versions: query(async (request) => {
      await using view = state.snapshot();
      return await versions(view, request);
    }),
    access: query((request) => access(cache, request)),
    user: query((by) => user(state, by)),
    users: query((after, limit) => users(state, after, limit)),
    list: query((request) => list(state, request)),
    streams: query(async (request) => {
      await using view = state.snapshot();
      return await streams(view, request);
    }),
    uploads: query((request) => uploads(state, request)),
    parts: query((request) => parts(state, request)),
    deleted: query((request) => deleted(state, request)),
    leaseBlobs: async (count) => {
      const result = await group.propose({ type: "leaseBlobs", count });
      assert(result.type === "lease", "a lease is answered with one");
      return result.first;
    },
    clusterMap: query((newerThan) => cluster.answer(newerThan)),
    deviceStates: query(() => cluster.blocks.devices()),
    health: query(() => cluster.survey.health()),
    blockHealth: query((block) => cluster.survey.block(block)),
    placementGroups: query((...of) => cluster.survey.groups(...of)),
    capacity: query(async () => (await cluster.survey.look()).capacity),
    healing: query(() => {
      const progress = cluster.survey.healing();
      if (progress === undefined)
        throw new QuarryError("Unavailable", "this nameserver heals nothing just now");
      return progress;
    }),
    openBlocks: (pool, avoid = []) =>
      avoid.length > 0 ? openBlocks.without(pool, avoid) : openBlocks.get(pool),
    locate: query((block): OpenBlock => {
      const row = read(state, keys.block(block));
      if (row === undefined) throw new QuarryError("NoSuchBlock", `there is no block ${block}`);
      return blockOf(block, row);
    }),
    reportBlock: (block, generation) => openBlocks.seal(block, generation),
    reportNeedle: async (block, position, needle, what) =>
      cluster.needleReports.add(block, position, needle, what),
    statePiece: (request) => pieces.piece(request),
  };
}
