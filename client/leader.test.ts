import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import type { Address } from "../rpc/address.ts";
import { formatAddress } from "../rpc/address.ts";
import type { NameService } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { nameTable } from "../rpc/tables.ts";
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
  readonly execute?: () => Promise<never>;
  readonly users?: () => Promise<never>;
}) {
  const asked = { execute: 0, users: 0 };
  const service = {
    execute: async () => {
      asked.execute++;
      return (await answers.execute?.()) ?? { type: "done" };
    },
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
  return { address: server.address, asked, server };
}

function client(addresses: readonly Address[], patienceMs?: number): NameService {
  const leader = new LeaderNames({
    ...{ ...seams, addresses },
    ...(patienceMs !== undefined && { patienceMs }),
  });
  ends.push(() => leader[Symbol.asyncDispose]());
  return leader.names;
}

const notLeader = (address?: Address) => () =>
  Promise.reject(
    new NotLeader("not here", address && { node: 2 as NodeId, address: formatAddress(address) }),
  );

describe("a client of several nameservers", () => {
  test("goes where it is sent, also to one that it did not know, and stays there", async () => {
    const leader = await listen({});
    const follower = await listen({ execute: notLeader(leader.address) });
    const names = client([follower.address]);
    for (let i = 0; i < 3; i++) expect(await names.execute(command)).toEqual({ type: "done" });
    expect([follower.asked.execute, leader.asked.execute]).toEqual([1, 3]);
  });

  test("asks the next when nobody is listening, or when one knows no leader", async () => {
    const gone = await listen({});
    await gone.server.close();
    const idle = await listen({ execute: notLeader() });
    const leader = await listen({});
    const names = client([gone.address, idle.address, leader.address]);
    expect(await names.execute(command)).toEqual({ type: "done" });
  });

  test("a change that broke off is not made again, and its caller is told that", async () => {
    const breaking = await listen({ execute: () => new Promise(() => undefined) });
    const leader = await listen({});
    const names = client([breaking.address, leader.address]);
    const answer = names.execute(command);
    await expect.poll(() => breaking.asked.execute).toBe(1);
    for (const peer of breaking.server.peers) (peer as unknown as Breakable).abandon();
    await expect(answer).rejects.toMatchObject({ code: "OutcomeUnknown" });
    expect(leader.asked.execute).toBe(0);
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
    const names = client([idle.address], 60);
    await expect(names.execute(command)).rejects.toMatchObject({ code: "NotLeader" });
    expect(idle.asked.execute).toBeGreaterThan(1);
  });
});

interface Breakable {
  abandon(): void;
}
