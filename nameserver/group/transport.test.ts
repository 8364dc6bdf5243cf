import { afterEach, describe, expect, test } from "vitest";
import { sleep, systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import type { Message } from "../../raft/message.ts";
import type { Address } from "../../rpc/address.ts";
import type { GroupService } from "../../rpc/group-service.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { groupTable } from "../../rpc/tables.ts";
import { decodeMessages, encodeMessages } from "./message-codec.ts";
import { SendQueue } from "./send-queue.ts";
import { Transport } from "./transport.ts";

const secret = Buffer.alloc(32, 5);
const [one, two] = [1 as NodeId, 2 as NodeId];
const envelope = { from: one, to: two, term: 7 as Term };
const at = (index: number) => index as LogIndex;

const commit = (index: number): Message => ({ ...envelope, type: "commit", commit: at(index) });
const append = (index: number, bytes: number): Message => ({
  ...envelope,
  ...{ type: "append", previousIndex: at(index - 1), previousTerm: 6 as Term, commit: at(1) },
  entries: [
    {
      ...{ index: at(index), term: 7 as Term, timeMs: 1_790_000_000_123, kind: "command" },
      ...{ session: 2 ** 40, sequence: 3, data: Buffer.alloc(bytes, index) },
    },
  ],
});
const piece = (bytes: number): Message => ({
  ...envelope,
  type: "snapshotPiece",
  piece: {
    ...{ id: 2 ** 32, offset: 2 ** 33, last: false, bytes: Buffer.alloc(bytes, 9) },
    head: {
      ...{ index: at(5), term: 6 as Term, timeMs: 1_790_000_000_000 },
      configuration: { voters: [one, two], outgoing: [], learners: [], demoted: [] },
    },
  },
});

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

type Exchange = GroupService["exchange"];
const refuse = () => Promise.reject(new QuarryError("NotImplemented", "not here"));

async function listen(
  address: Address,
  taken: Message[],
  exchange: Exchange = refuse,
): Promise<RpcServer> {
  const service: GroupService = {
    deliver: async (batch) => {
      taken.push(...decodeMessages(batch));
    },
    exchange,
    ...{ status: refuse, admit: refuse, changeMember: refuse, transfer: refuse },
  };
  const server = await RpcServer.listen({
    ...{ address, secret, clock: systemClock, random: systemRandom },
    ...{ services: [serve(service, groupTable)], report: () => undefined },
  });
  ends.push(() => server.close());
  return server;
}

function transportTo(address: Address, lost: NodeId[], told: Message[] = []): Transport {
  const transport = new Transport({
    ...{ secret, clock: systemClock, random: systemRandom },
    addresses: new Map([[two, address]]),
    onUnreachable: (node) => lost.push(node),
    onMessages: (messages) => told.push(...messages),
  });
  ends.push(() => transport[Symbol.asyncDispose]());
  return transport;
}

const loopback = { host: "127.0.0.1", port: 0 };

describe("the transport of a group", () => {
  test("carries every kind of message unchanged and in order, large ones too", async () => {
    const taken: Message[] = [];
    const server = await listen(loopback, taken);
    const transport = transportTo(server.address, []);
    const sent: Message[] = [];
    for (let i = 1; i <= 60; i++) {
      const many = [
        commit(i),
        append(i, i % 5 === 0 ? 300_000 : 40),
        piece(i === 30 ? 2 ** 20 : 9),
      ];
      transport.send(many);
      sent.push(...many);
      if (i % 7 === 0) await sleep(systemClock, 1);
    }
    await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(sent.length);
    expect(taken).toEqual(sent);
  });

  test("tells that a member is away, and goes on when it is back", async () => {
    const server = await listen(loopback, []);
    await server.close();
    const lost: NodeId[] = [];
    const transport = transportTo(server.address, lost);
    transport.send([commit(1)]);
    await expect.poll(() => lost).toContain(two);
    const taken: Message[] = [];
    await listen(server.address, taken);
    const sending = setInterval(() => transport.send([commit(2)]), 20);
    await expect.poll(() => taken.length, { timeout: 10_000 }).toBeGreaterThan(0);
    clearInterval(sending);
    expect(taken[0]).toEqual(commit(2));
  });

  test("follows the members: a new place gets what comes, who is gone gets nothing", async () => {
    const [old, moved]: [Message[], Message[]] = [[], []];
    const [first, second] = [await listen(loopback, old), await listen(loopback, moved)];
    const transport = transportTo(first.address, []);
    transport.send([commit(1)]);
    await expect.poll(() => old).toEqual([commit(1)]);
    transport.follow(new Map([[two, second.address]]));
    transport.send([commit(2)]);
    await expect.poll(() => moved).toEqual([commit(2)]);
    transport.follow(new Map());
    transport.send([commit(3)]);
    transport.follow(new Map([[two, first.address]]));
    transport.send([commit(4)]);
    await expect.poll(() => old).toEqual([commit(1), commit(4)]);
    expect(moved).toEqual([commit(2)]);
  });

  test("takes what comes with an answer, of the member alone that was asked", async () => {
    const taken: Message[] = [];
    const back: Message = { ...commit(5), from: two, to: one };
    const forged: Message = { ...commit(6), from: 9 as NodeId, to: one };
    const server = await listen(loopback, [], async (batch) => {
      taken.push(...decodeMessages(batch));
      return { kind: "messages", batch: encodeMessages([back, forged]) };
    });
    const told: Message[] = [];
    transportTo(server.address, [], told).send([commit(1)]);
    await expect.poll(() => told).toEqual([back]);
    expect(taken).toEqual([commit(1)]);
  });

  test("messages to nobody are lost", () => {
    const transport = transportTo(loopback, []);
    expect(() => transport.send([{ ...commit(1), to: 9 as NodeId }])).not.toThrow();
  });
});

describe("a queue to a member that takes nothing", () => {
  test("holds so much and no more, and says once that something is lost", async () => {
    let batches = 0;
    let lost = 0;
    const queue = new SendQueue({
      deliver: () => {
        batches++;
        return new Promise(() => undefined);
      },
      onLost: () => lost++,
    });
    const count = 2 * (limits.groupQueuedBytes / 2 ** 20);
    for (let i = 0; i < count; i++) queue.add(append(i + 1, 2 ** 20));
    await sleep(systemClock, 1);
    expect(lost).toBe(1);
    expect(batches).toBe(1); // a large one, that nothing may overtake
    queue.close();
  });
});

describe("bytes that are no messages", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["no list", Buffer.from([1, 0, 0, 0, 0x01])],
    ["a list of numbers", Buffer.from([2, 0, 0, 0, 0x91, 0x01])],
  ])("%s", (_, bytes) => {
    expect(() => decodeMessages(bytes)).toThrow(QuarryError);
  });

  test("cut short", () => {
    const whole = encodeMessages([append(3, 50), commit(4)]);
    for (let end = 0; end < whole.length; end++)
      expect(() => decodeMessages(whole.subarray(0, end))).toThrow(QuarryError);
  });
});
