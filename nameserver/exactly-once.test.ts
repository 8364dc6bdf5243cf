import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { DeviceId, SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import { allOf, audit } from "../test/metadata/audit.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import { type Nameserver, openNameserver } from "./nameserver.ts";
import { MemoryState } from "./state-memory.ts";

const bucket = { type: "createBucket", bucket: "b", owner: "me" } as const;
const upload = { type: "createUpload", bucket: "b", key: "k", attributes: {} } as const;

let names: Nameserver | undefined;
afterEach(async () => await names?.[Symbol.asyncDispose]());

function machine() {
  const disk = new SimulatedDisk();
  const states = new Map<string, MemoryState>();
  let laterMs = 0;
  return {
    waits: (ms: number) => {
      laterMs += ms;
    },
    start: async () => {
      names = await openNameserver({
        ...{ disk, random: systemRandom, directory: "/ns", durability: "commit" },
        clock: {
          ...systemClock,
          nowMs: () => Date.now() + laterMs,
          monotonicMs: () => Date.now() + laterMs,
        },
        blocks: new FakeBlocks("disk" as DeviceId),
        report: () => undefined,
        workersPauseMs: 5,
        openState: async (folder) => {
          const state = states.get(folder) ?? new MemoryState();
          states.set(folder, state);
          return state;
        },
      });
      return names;
    },
  };
}

describe("a nameserver", () => {
  test("answers a change that was asked for before the restart", async () => {
    const { start } = machine();
    const before = await start();
    await before.execute(bucket);
    const session = await before.openSession();
    const first = await before.execute(upload, { session, sequence: 1 });
    await before[Symbol.asyncDispose]();
    const after = await start();
    expect(await after.execute(upload, { session, sequence: 1 })).toEqual(first);
    expect((await allOf(after.group.state, "upload")).length).toBe(1);
    await after.closeSession(session);
    await expect(after.execute(upload, { session, sequence: 2 })).rejects.toMatchObject({
      code: "SessionExpired",
    });
    await audit(after.group.state, after.group.digest);
  });

  test("applies what comes many times at once only once", async () => {
    const server = await machine().start();
    await server.execute(bucket);
    const session = await server.openSession();
    const all = await Promise.all(
      Array.from({ length: 50 }, () => server.execute(upload, { session, sequence: 1 })),
    );
    expect(new Set(all.map((result) => JSON.stringify(result))).size).toBe(1);
  });

  test("takes no number that the log cannot keep", async () => {
    const server = await machine().start();
    const session = await server.openSession();
    for (const once of [
      { session, sequence: 0 },
      { session, sequence: 2 ** 32 },
      { session, sequence: 1.5 },
      { session: 0 as SessionId, sequence: 1 },
      { session: -1 as SessionId, sequence: 1 },
      { session: "1" as unknown as SessionId, sequence: 1 },
    ])
      await expect(server.execute(bucket, once)).rejects.toMatchObject({ code: "InvalidArgument" });
    expect(await server.buckets("me", "", 10)).toEqual([]);
  });

  test("clears away what silent clients left, and leaves the others alone", async () => {
    const { start, waits } = machine();
    const server = await start();
    await server.execute(bucket);
    const silent: SessionId[] = [];
    for (let i = 0; i < 3 * limits.sessionsCleared; i++) silent.push(await server.openSession());
    await server.execute(upload, { session: silent[3] as SessionId, sequence: 1 });
    waits(limits.sessionMs / 2);
    const alive = await server.openSession();
    waits(limits.sessionMs / 2 + 1000);
    await expect.poll(async () => (await allOf(server.group.state, "session")).length).toBe(1);
    await server.execute(upload, { session: alive, sequence: 1 });
    expect((await allOf(server.group.state, "sessionResults")).length).toBe(1);
  });
});
