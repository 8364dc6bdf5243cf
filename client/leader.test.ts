import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import type { Address } from "../rpc/address.ts";
import { formatAddress } from "../rpc/address.ts";
import type { Command, Once } from "../rpc/commands.ts";
import type { NameService } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { nameTable } from "../rpc/tables.ts";
import { ManualClock } from "../test/rpc-held.ts";
import { LeaderNames } from "./leader.ts";

const seams = { secret: Buffer.alloc(32, 3), clock: systemClock, random: systemRandom };
const command = { type: "createBucket", bucket: "b", owner: "me" } as const;

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

/** A nameserver that answers these methods, and counts what it was asked. */
async function listen(answers: {
  readonly execute?: (once: Once, attempt: number) => Promise<unknown>;
  readonly users?: () => Promise<never>;
  readonly openSession?: () => Promise<never>;
}) {
  const asked = { execute: 0, users: 0 };
  const numbers: Once[] = [];
  const sessions = new Set<number>();
  let opened = 0;
  const service = {
    execute: async (_command: Command, once: Once) => {
      numbers.push(once);
      const attempt = ++asked.execute;
      return (await answers.execute?.(once, attempt)) ?? { type: "done" };
    },
    openSession: async () => {
      await answers.openSession?.();
      sessions.add(++opened);
      return opened;
    },
    closeSession: async (session: number) => void sessions.delete(session),
    users: async () => {
      asked.users++;
      return (await answers.users?.()) ?? [];
    },
  };
  const server = await RpcServer.listen({
    ...{ ...seams, address: { host: "127.0.0.1", port: 0 }, report: () => undefined },
    services: [serve(service as unknown as NameService, nameTable)],
  });
  ends.push(() => server.close());
  return { address: server.address, asked, numbers, sessions, server };
}

function client(addresses: readonly Address[], patienceMs?: number): NameService {
  const leader = new LeaderNames({
    ...{ ...seams, addresses },
    ...(patienceMs !== undefined && { patienceMs }),
  });
  ends.push(() => leader[Symbol.asyncDispose]());
  return leader.names;
}

const done = Promise.resolve(undefined);
const unknown = () => Promise.reject(new QuarryError("OutcomeUnknown", "who knows"));
const notLeader = (address?: Address) => () =>
  Promise.reject(
    new NotLeader("not here", address && { node: 2 as NodeId, address: formatAddress(address) }),
  );

describe("a client of several nameservers", () => {
  test("goes where it is sent, also to one that it did not know, and stays there", async () => {
    const leader = await listen({});
    const answer = notLeader(leader.address);
    const follower = await listen({ execute: answer, openSession: answer });
    const names = client([follower.address]);
    for (let i = 0; i < 3; i++) expect(await names.execute(command)).toEqual({ type: "done" });
    expect([follower.asked.execute, leader.asked.execute]).toEqual([0, 3]);
    expect(leader.numbers.map(({ session }) => session)).toEqual([1, 1, 1]);
  });

  test("asks the next when nobody is listening, or when one knows no leader", async () => {
    const gone = await listen({});
    await gone.server.close();
    const idle = await listen({ execute: notLeader() });
    const leader = await listen({});
    const names = client([gone.address, idle.address, leader.address]);
    expect(await names.execute(command)).toEqual({ type: "done" });
  });

  test("a change that broke off is asked for again elsewhere, under the same number", async () => {
    const breaking = await listen({ execute: () => new Promise(() => undefined) });
    const leader = await listen({});
    const names = client([breaking.address, leader.address]);
    const answer = names.execute(command);
    await expect.poll(() => breaking.asked.execute).toBe(1);
    for (const peer of breaking.server.peers) (peer as unknown as Breakable).abandon();
    expect(await answer).toEqual({ type: "done" });
    expect(leader.numbers).toEqual(breaking.numbers);
  });

  test("a leader that does not know what became of a change is asked again", async () => {
    const leader = await listen({ execute: (_, attempt) => (attempt < 3 ? unknown() : done) });
    expect(await client([leader.address]).execute(command)).toEqual({ type: "done" });
    expect(new Set(leader.numbers.map(({ sequence }) => sequence)).size).toBe(1);
  });

  test("a change that may have been made ends so, when it cannot be told in the end", async () => {
    for (const last of ["SessionExpired", "Busy", "NotLeader"] as const) {
      const refusal = Promise.reject(new QuarryError(last, "no"));
      refusal.catch(() => undefined);
      const leader = await listen({
        execute: (_, attempt) => (attempt === 1 ? unknown() : refusal),
      });
      const answer = client([leader.address], 1_000).execute(command);
      await expect(answer).rejects.toMatchObject({ code: "OutcomeUnknown" });
    }
  });

  test("a session that is over at the first attempt is replaced by another", async () => {
    const over = new QuarryError("SessionExpired", "over");
    const leader = await listen({
      execute: ({ session }) => (session === 1 ? Promise.reject(over) : done),
    });
    const names = client([leader.address]);
    const all = await Promise.all(Array.from({ length: 20 }, () => names.execute(command)));
    expect(all.length).toBe(20);
    expect(leader.sessions.size).toBe(2);
  });

  test("where every session is over at once, that is told", async () => {
    const over = () => Promise.reject(new QuarryError("SessionExpired", "over"));
    const leader = await listen({ execute: over });
    const answer = client([leader.address]).execute(command);
    await expect(answer).rejects.toMatchObject({ code: "SessionExpired" });
  });

  test("sessions are closed at the end; one that only reads has none", async () => {
    const leader = await listen({});
    for (const [work, count] of [
      [(names: NameService) => names.users("", 1), 0],
      [(names: NameService) => names.execute(command), 1],
    ] as const) {
      const one = new LeaderNames({ ...seams, addresses: [leader.address] });
      await work(one.names);
      expect(leader.sessions.size).toBe(count);
      await one[Symbol.asyncDispose]();
      expect(leader.sessions.size).toBe(0);
    }
  });

  test("a read that broke off is made again elsewhere", async () => {
    const breaking = await listen({ users: () => new Promise(() => undefined) });
    const leader = await listen({});
    const names = client([breaking.address, leader.address]);
    const answer = names.users("", 10);
    await expect.poll(() => breaking.asked.users).toBe(1);
    for (const peer of breaking.server.peers) (peer as unknown as Breakable).abandon();
    expect(await answer).toEqual([]);
    expect(leader.asked.users).toBe(1);
  });

  test("without a leader one call looks for it, and the others wait", async () => {
    let [asked, leads] = [0, false];
    const users = async () => {
      asked++;
      return leads ? [] : await notLeader()();
    };
    const clock = new ManualClock();
    const addresses = [1, 2].map((port) => ({ host: "127.0.0.1", port }));
    const open = () => ({ methods: { users }, members: async () => [], close: () => undefined });
    await using leader = new LeaderNames({ ...seams, clock, addresses, open });
    const all = Array.from({ length: 200 }, () => leader.names.users("", 1));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await turn();
    for (let looked = 1; looked <= 8; looked++) {
      expect(asked).toBe(199 + looked);
      clock.advance(25);
      await turn();
    }
    leads = true;
    clock.advance(25);
    await Promise.all(all);
    expect(asked).toBe(208 + 200);
  });

  test("who has no patience asks another next time, when one stands still", async () => {
    const silent = await listen({ users: () => new Promise<never>(() => undefined) });
    const well = await listen({});
    const names = client([silent.address, well.address], 100);
    await expect(names.users("", 9)).rejects.toMatchObject({ code: "Timeout" });
    expect(await names.users("", 9)).toEqual([]);
    expect([silent.asked.users, well.asked.users]).toEqual([1, 1]);
  });

  test("a refusal is an answer", async () => {
    const refusing = await listen({
      execute: () => Promise.reject(new QuarryError("BucketExists", "it is there")),
    });
    const names = client([refusing.address]);
    await expect(names.execute(command)).rejects.toMatchObject({ code: "BucketExists" });
    expect(refusing.asked.execute).toBe(1);
  });

  test("gives up after a while without a leader", async () => {
    const idle = await listen({ execute: notLeader() });
    const names = client([idle.address], 1_000);
    await expect(names.execute(command)).rejects.toMatchObject({ code: "NotLeader" });
    expect(idle.asked.execute).toBeGreaterThan(1);
  });
});

interface Breakable {
  abandon(): void;
}
