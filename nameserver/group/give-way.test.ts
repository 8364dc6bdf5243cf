import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Status } from "../../raft/raft.ts";
import { GiveWay } from "./give-way.ts";

const ids = (...all: readonly number[]) => all.map((id) => id as NodeId);

function leading(voters: readonly NodeId[]) {
  const clock = new SimulatedClock();
  const asked: NodeId[] = [];
  const peers = voters.slice(1).map((id, i) => ({ id, match: i, isRecovering: false }));
  const role = "leader";
  const giveWay = new GiveWay(clock, {
    get status() {
      const transferTo = asked.at(-1);
      return { role, configuration: { voters }, peers, transferTo } as unknown as Status;
    },
    transfer: (to) => asked.push(to),
  });
  return { giveWay, asked, clock };
}

test("a leader without room asks the member that has most of the log to lead", () => {
  const { giveWay, asked } = leading(ids(1, 2, 3));
  expect(giveWay.hasChance).toBe(false);
  void giveWay.stuck();
  void giveWay.stuck();
  expect(asked).toEqual([3]);
  expect(giveWay.refusal().code).toBe("NotLeader");
});

test("when nobody takes over for long, clients may be told that the disk is full", () => {
  const { giveWay, clock } = leading(ids(1, 2, 3));
  void giveWay.stuck();
  clock.advance(limits.groupHandOverMs + 1);
  expect(giveWay.refusal().code).toBe("DiskFull");
  giveWay.over();
  void giveWay.stuck();
  expect(giveWay.hasChance).toBe(true);
});

test("a sole nameserver has nobody to give way to", async () => {
  const { giveWay, asked } = leading(ids(1));
  await giveWay.stuck();
  expect([asked, giveWay.hasChance]).toEqual([[], false]);
});
