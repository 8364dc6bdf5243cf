/** A file that took the place of a block's says nothing of the block: what is read of it is no damage. */
import { expect, test } from "vitest";
import type { NeedleId } from "../base/ids.ts";
import { Members } from "../test/members-fixture.ts";
import type { DiskReport } from "./report.ts";

const id = (n: number) => BigInt(n) as NeedleId;

test("who makes a block anew, also from what it has itself, finds no damage in its next generation", async () => {
  const members = await Members.open({ k: 1, m: 1 }, 0);
  const reports: DiskReport[] = [];
  await members.server(0)[Symbol.asyncDispose]();
  await members.start(0, { report: (report) => reports.push(report) });
  for (const n of [1, 2, 3]) await members.store(id(n), Buffer.alloc(5000, n));
  await members.store(id(9), Buffer.alloc(5000, 9), [0]);
  await members.seal();
  const before = members.reach;
  let isSwitched = false;
  // While others are asked for theirs.
  members.reach = (i) => {
    const peer = before(i);
    return {
      ...{ inventory: peer.inventory.bind(peer), readStripe: peer.readStripe.bind(peer) },
      ...{ stage: peer.stage.bind(peer), finishStage: peer.finishStage.bind(peer) },
      fetch: peer.fetch.bind(peer),
      records: async (address, offset, lengthBytes) => {
        if (!isSwitched) {
          isSwitched = true;
          await members.server(0).remove(members.at(0), [id(1)]);
          await members.server(0).compact(members.at(0));
          await members.server(0).switchGeneration(members.at(0, 2));
        }
        return await peer.records(address, offset, lengthBytes);
      },
    };
  };
  const rebuilding = members.server(0).rebuild(members.order(0, 0));
  await expect(rebuilding).rejects.toMatchObject({ code: "StaleGeneration" });
  expect(isSwitched).toBe(true);
  expect(reports.filter(({ kind }) => kind === "damage")).toEqual([]);
  const [status] = await members.server(0).blocks(members.at(0).device, 0, 1);
  expect(status).toMatchObject({ generation: 2, needles: 3, damage: [] });
  expect([...members.server(0).unread(members.at(0).device)]).toEqual([]);
});
