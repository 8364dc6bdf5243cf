/**
 * What is left of fids when some of their steps are not taken: writers that die between the list and its
 * name, removals whose answers are lost, names that S3 deletes or overwrites. All that is named is
 * readable, nothing else stays on the devices, and the metadata's counts are exact.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import { FREE, type NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { createClient } from "../client/client.ts";
import { parseFidName } from "../client/fids/name.ts";
import type { Store } from "../client/store.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { auditState } from "../nameserver/audit/audit-state.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import { StateMachine } from "../nameserver/state-machine.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import { isNamed } from "../nameserver/workers/settle.ts";

const LONG_MS = 60_000;
const STEPS = 150;
const bucket = "b";
const random = seededRandom(84);
const dice = (below: number) => random.u32() % below;
let dataserver: Dataserver;
let nameserver: Nameserver;
let state: MemoryState;
let store: Store;
/** A command of so many is not given, or given and not answered. */
let troubleIn = 0;

function troubled(names: Nameserver): Nameserver {
  return new Proxy(names, {
    get: (_, name) => {
      const method = Reflect.get(names, name);
      if (name !== "execute") return typeof method === "function" ? method.bind(names) : method;
      return async (...given: Parameters<Nameserver["execute"]>) => {
        const trouble = troubleIn > 0 ? dice(troubleIn) : 2;
        if (trouble === 0) throw new QuarryError("Cancelled", "the writer died before");
        const result = await names.execute(...given);
        if (trouble === 1) throw new QuarryError("OutcomeUnknown", "the writer died behind");
        return result;
      };
    },
  });
}

beforeEach(async () => {
  state = new MemoryState();
  const shared = { clock: systemClock, random, report: () => undefined };
  const durability = "commit" as const;
  dataserver = await openDataserver({
    ...{ ...shared, durability, disk: new SimulatedDisk(), directories: ["/a", "/b"] },
    ...{ blockBytes: 1024 * 1024, extendBytes: 64 * 1024, reserveBytes: 0 },
  });
  nameserver = await openNameserver({
    ...{ ...shared, durability, disk: new SimulatedDisk(), directory: "/nameserver" },
    ...{ blocks: dataserver, openState: async () => state },
    ...{ settleMs: 50, workersPauseMs: 20, holdMs: 0 },
  });
  const names = troubled(nameserver);
  store = createClient({ names, serviceOf: () => dataserver, clock: systemClock, random });
  await store.names.execute({ type: "createBucket", bucket, owner: "me" });
});
afterEach(async () => {
  await nameserver[Symbol.asyncDispose]();
  await dataserver[Symbol.asyncDispose]();
});

const body = (bytes: Buffer) => ({
  bytes: (async function* () {
    yield bytes;
  })(),
  lengthBytes: bytes.length,
});

async function contentOf(name: string): Promise<Buffer | undefined> {
  try {
    using open = await store.fids.fetch(bucket, name);
    const parts: Buffer[] = [];
    for await (const view of open.read(0, open.lengthBytes)) parts.push(Buffer.from(view));
    return Buffer.concat(parts);
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return undefined;
    throw error;
  }
}

/** Ends what was done, also when its writer died. */
async function tried<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (!hasCode(error, "Cancelled", "OutcomeUnknown", "NoSuchKey")) throw error;
    return undefined;
  }
}

/** Needles on the devices that nothing names: bare ones that are not `kept`, others by their owners. */
async function leftovers(kept: ReadonlySet<NeedleId>): Promise<string[]> {
  const found: string[] = [];
  for (const { device } of await dataserver.devices())
    for (const { block, generation } of await dataserver.blocks(device, -1, 1000)) {
      const { entries } = await dataserver.needles({ device, block, generation }, 0, 4096);
      for (const { needle, ...owner } of entries) {
        const isKept =
          owner.blob === FREE ? kept.has(needle) : isNamed(state, block, { needle, ...owner });
        if (!isKept) found.push(`${block}/${needle} of ${owner.blob}/${owner.chunk}`);
      }
    }
  return found;
}

test(
  "nothing stays but what is named",
  async () => {
    const files = new Map<string, Buffer>();
    const objects = ["x", "y", "z"];
    for (const key of objects)
      await store.put({ bucket, key }, body(random.bytes(30_000)), () => ({ etag: key }));
    troubleIn = 8;
    for (let step = 0; step < STEPS; step++) {
      const names = [...files.keys()];
      const name = names[dice(Math.max(1, names.length))];
      const key = objects[dice(objects.length)] ?? "";
      const bytes = random.bytes(1 + dice(20_000));
      switch (dice(7)) {
        case 0:
        case 1: {
          const stored = await tried(store.fids.store({ bucket }, body(bytes)));
          if (stored !== undefined) files.set(stored.name, bytes);
          break;
        }
        case 2: {
          const stored = await tried(store.fids.store({ bucket, large: true }, body(bytes)));
          if (stored !== undefined) files.set(stored.name, bytes);
          break;
        }
        case 3: {
          const linked = await tried(store.fids.link({ bucket, key }, { bucket }));
          const content = linked && (await contentOf(linked.name));
          if (linked !== undefined && content !== undefined) files.set(linked.name, content);
          break;
        }
        case 4:
          await tried(store.put({ bucket, key }, body(bytes), () => ({ etag: key })));
          break;
        case 5:
          if (name === undefined) break;
          files.delete(name);
          // A removal whose answer was lost is asked for again.
          for (let again = 0; again < 20 && (await contentOf(name)) !== undefined; again++)
            await tried(store.fids.remove(bucket, name));
          break;
        default:
          if (name?.startsWith("L") !== true) break;
          files.delete(name);
          troubleIn = 0;
          await store.names.execute({ type: "deleteObject", bucket, key: name });
          troubleIn = 8;
      }
    }
    troubleIn = 0;
    for (const { block, generation } of await store.names.openBlocks(0))
      await store.names.reportBlock(block, generation, "full");
    const kept = new Set([...files.keys()].flatMap((name) => parseFidName(name)?.needle ?? []));
    await vi.waitFor(async () => expect(await leftovers(kept)).toEqual([]), LONG_MS / 2);
    for (const [name, bytes] of files)
      expect([name, (await contentOf(name))?.equals(bytes)]).toEqual([name, true]);
    const problems: string[] = [];
    await auditState(state, new StateMachine(state).digest, (problem) => problems.push(problem));
    expect(problems).toEqual([]);
  },
  LONG_MS,
);
