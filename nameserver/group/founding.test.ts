import { expect, test } from "vitest";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import type { NodeId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { Founding } from "./founding.ts";

const peers = "1=a:1,2=b:1,3=c:1";
const one = 1 as NodeId;
const three = 3 as NodeId;

async function founder(node: NodeId, seed: number, disk = new SimulatedDisk()) {
  await disk.makeDirectory("/d");
  const random = seededRandom(seed);
  const begin = () => Founding.begin(disk, "/d", { node, peers, random });
  return { disk, begin, founding: await begin() };
}

test("founders note each other, and who has done so stays the same after a crash", async () => {
  const a = await founder(one, 1);
  const b = await founder(three, 3);
  expect(await a.founding.meet(b.founding.own)).toEqual(a.founding.own);
  a.disk.crash(seededRandom(9));
  const again = await a.begin();
  expect(again.own).toEqual(a.founding.own);
  await again.meet(b.founding.own);
});

test("one that lost its folder is known to be another, also by a nameserver that runs", async () => {
  const a = await founder(one, 1);
  const b = await founder(three, 3);
  const lost = await founder(three, 4);
  await a.founding.meet(b.founding.own);
  const running = await Founding.of(a.disk, "/d");
  for (const met of [a.founding, running])
    await expect(met.meet(lost.founding.own)).rejects.toThrow(/join anew .*--replace 3/);
});

test("a nameserver that founded nothing meets nobody", async () => {
  const disk = new SimulatedDisk();
  const joined = await Founding.of(disk, "/d");
  const { founding } = await founder(three, 3);
  await expect(joined.meet(founding.own)).rejects.toThrow(/runs already/);
});

test.each([
  ["other peers", { peers: "1=a:1,3=c:1" }],
  ["its own number", { node: one }],
  ["no token", { token: "" }],
])("a founder with %s is refused, and nothing noted", async (_, wrong) => {
  const a = await founder(one, 1);
  const { own } = (await founder(three, 3)).founding;
  await expect(a.founding.meet({ ...own, ...wrong })).rejects.toMatchObject({
    code: "InvalidArgument",
  });
  expect(await a.founding.meet(own)).toEqual(a.founding.own);
});

test("a folder that began as another founder is not taken for this one", async () => {
  const { disk } = await founder(one, 1);
  await expect(founder(three, 3, disk)).rejects.toThrow(/began to found a group as nameserver 1/);
});
