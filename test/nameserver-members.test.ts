import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { NameService } from "../rpc/name-service.ts";
import { startCli } from "./cli-process.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const LONG_MS = 240_000;
const REMOVED = 7;

let group: NameserverGroup | undefined;
afterEach(async () => await group?.[Symbol.asyncDispose]());

const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;

/** Two rows each: the user, and whose address that is. */
async function makeUsers(names: NameService, count: number): Promise<void> {
  const LANES = 64;
  const lane = async (first: number) => {
    for (let n = first; n < count; n += LANES) {
      const user = { id: `user-${n}`, displayName: "x".repeat(60), email: `${n}@example.com` };
      await names.execute({ type: "putUser", user });
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, n) => lane(n)));
}

/** Fills the log with refused commands until the leader keeps only the end of it. */
async function outgrowLog(names: NameService): Promise<void> {
  const name = "x".repeat(500_000);
  for (let round = 0; round < 24; round++)
    await Promise.all(
      Array.from({ length: 8 }, () =>
        names.execute({ type: "deleteBucket", bucket: name }).catch(() => undefined),
      ),
    );
}

/** Writes and reads until it is told to stop; an error that reaches it ends the test. */
function keepAsking(names: NameService) {
  const counts = { writes: 0, reads: 0, longestMs: 0 };
  let isDone = false;
  const timed = async (act: () => Promise<unknown>) => {
    const begunMs = performance.now();
    await act();
    counts.longestMs = Math.max(counts.longestMs, performance.now() - begunMs);
  };
  const lane = async (of: number) => {
    for (let n = 0; !isDone; n++) {
      const id = `lane-${of}-${n}`;
      await timed(() => names.execute({ type: "putUser", user: { id, displayName: id } }));
      counts.writes++;
      await timed(async () => expect(await names.user({ id })).toMatchObject({ id }));
      counts.reads++;
      await sleep(5);
    }
  };
  const asking = Promise.all([lane(0), lane(1), lane(2), lane(3)]);
  asking.catch(() => undefined);
  return {
    counts,
    end: async () => {
      isDone = true;
      await asking;
      return counts;
    },
  };
}

async function admin(...words: readonly string[]) {
  const flags = ["--servers", group?.servers ?? "", "--secret-file", group?.secretFile ?? ""];
  return await startCli({ endpoint: "", home: "/tmp" }, "admin", "nameserver", ...words, ...flags)
    .ended;
}

async function untilVoters(wanted: readonly number[]): Promise<void> {
  for (const untilMs = performance.now() + 60_000; ; ) {
    expect(performance.now(), group?.output).toBeLessThan(untilMs);
    const leader = await group?.status((await group?.leader()) ?? 0);
    if (JSON.stringify(leader?.voters) === JSON.stringify(wanted)) return;
    await sleep(50);
  }
}

describe("the members of a group of processes", () => {
  test(
    "one joins by a snapshot while writes go on, though it and the leader are killed meanwhile",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      const { names } = client;
      const users = Number(process.env["QUARRY_JOIN_ROWS"] ?? 6_000) / 2;
      await makeUsers(names, users);
      await outgrowLog(names);
      const asking = keepAsking(names);
      const begunMs = performance.now();
      const fourth = await group.join();
      const random = seededRandom(users);
      for (let kill = 0; kill < 4; kill++) {
        await sleep(random.u32() % 1_500);
        await group.end(fourth, "SIGKILL");
        group.start(fourth);
      }
      const leader = await group.leader();
      await group.end(leader, "SIGKILL");
      group.start(leader);
      await untilVoters([1, 2, 3, 4]);
      const joinedMs = performance.now() - begunMs;
      const counts = await asking.end();
      await expect
        .poll(() => group?.said(fourth), { timeout: 30_000 })
        .toMatch(/this is nameserver 4.*is a voter of the group/s);
      expect((await group.digests()).size).toBe(1);
      console.log(`joined with ${users * 2} rows in ${joinedMs | 0} ms`, counts);
    },
    LONG_MS,
  );

  test(
    "one grows to three, and shrinks to the one that came last",
    async () => {
      group = await NameserverGroup.found(1);
      await using client = group.client();
      await client.names.execute(bucket("first"));
      for (const voters of [
        [1, 2],
        [1, 2, 3],
      ]) {
        await group.join();
        await untilVoters(voters);
      }
      // One that knows only those who go would look for the group in vain.
      await using all = group.client();
      await all.names.execute(bucket("second"));
      expect((await group.digests()).size).toBe(1);
      for (const node of [1, 2]) {
        expect((await admin("remove", String(node))).code).toBe(0);
        expect(await group.ended(node)).toBe(REMOVED);
        await group.forget(node);
      }
      await all.names.execute(bucket("third"));
      const last = await admin("remove", "3");
      expect([last.code, last.err]).toEqual([2, expect.stringMatching(/the last voter/)]);
      expect((await all.names.buckets("me", "", 10)).length).toBe(3);
    },
    LONG_MS,
  );

  test(
    "a dead one is replaced, the leader can be removed, and who was removed while away is told",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      await client.names.execute(bucket("first"));
      const [dead = 0, ...others] = group.nodes.filter((node) => node !== 0);
      await group.leader();
      await group.end(dead, "SIGKILL");
      const refused = await admin("remove", String(others[0]));
      expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/no majority/)]);
      const fourth = await group.join("--replace", String(dead));
      await untilVoters([...others, fourth]);
      await expect
        .poll(async () => (await admin("status")).out, { timeout: 30_000 })
        .not.toMatch(/leaving/);
      group.start(dead);
      expect(await group.ended(dead)).toBe(REMOVED);
      expect(group.said(dead)).toMatch(/was removed from its group/);
      await group.forget(dead);

      const leader = await group.leader();
      const removal = await admin("remove", String(leader));
      expect([removal.code, removal.out]).toEqual([0, expect.stringMatching(/is removed/)]);
      expect(await group.ended(leader)).toBe(REMOVED);
      await group.forget(leader);
      await client.names.execute(bucket("second"));

      const fifth = await group.join("--learner");
      expect(fifth).toBe(5);
      await expect
        .poll(async () => (await group?.status((await group?.leader()) ?? 0))?.learners, {
          timeout: 30_000,
        })
        .toEqual([fifth]);
      const promotion = await admin("promote", String(fifth), "--json");
      expect(JSON.parse(promotion.out)).toEqual({ node: fifth, role: "voter" });
      const transfer = await admin("transfer", String(fifth));
      expect([transfer.code, await group.leader()]).toEqual([0, fifth]);
      expect((await group.digests()).size).toBe(1);
      expect((await client.names.buckets("me", "", 10)).length).toBe(2);

      // It has no vote, stands for no election, and must notice all the same that nobody leads it.
      const sixth = await group.join("--learner");
      await expect
        .poll(async () => (await group?.status(fifth))?.learners, { timeout: 30_000 })
        .toEqual([sixth]);
      expect((await admin("remove", String(sixth))).code).toBe(0);
      expect(await group.ended(sixth)).toBe(REMOVED);
      await group.forget(sixth);
    },
    LONG_MS,
  );

  test(
    "a rolling restart: no error reaches a caller",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      await client.names.execute(bucket("before"));
      const asking = keepAsking(client.names);
      for (const node of group.nodes) {
        expect(await group.end(node, "SIGTERM")).toBe(0);
        group.start(node);
        await expect.poll(() => group?.status(node), { timeout: 20_000 }).toBeDefined();
        const leader = await group.leader();
        const { commit = 0 } = (await group.status(leader)) ?? {};
        await expect
          .poll(async () => (await group?.status(node))?.applied, { timeout: 20_000 })
          .toBeGreaterThanOrEqual(commit);
      }
      const counts = await asking.end();
      expect(counts.writes).toBeGreaterThan(10);
      expect((await group.digests()).size).toBe(1);
      console.log("rolling restart", counts);
    },
    LONG_MS,
  );
});
