import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { plannedCluster, plannedMember, withMember } from "./found.ts";
import { membersOf, type PlannedMember } from "./plan.ts";
import { wordsOf } from "./role-words.ts";

const size = {
  ...{ nameservers: 3, dataservers: 5, racks: 2, gateways: 1 },
  ...{ port: 0, diskBytes: 2 ** 30 },
};
const random = seededRandom(7);
const started = (member: PlannedMember) => ({ ...member, hasBegun: true });
const option = (words: readonly string[], name: string) => words[words.indexOf(name) + 1];

test("members have names in order, racks in turn, and ports of their own", async () => {
  const plan = await plannedCluster(size, random);
  expect(plan.members.map(({ name }) => name)).toEqual(
    ["ns1", "ns2", "ns3", "ds1", "ds2", "ds3", "ds4", "ds5", "gw1"], // order of start
  );
  const racks = membersOf(plan, "dataserver").map(({ rack }) => rack);
  expect(racks).toEqual(["rack1", "rack2", "rack1", "rack2", "rack1"]);
  expect(new Set(plan.members.map(({ port }) => port)).size).toBe(9);
});

test("one dataserver more stands where fewest are, or where it shall", async () => {
  const plan = await plannedCluster(size, random);
  const next = await plannedMember(plan, "dataserver", {}, random);
  expect([next.name, next.rack]).toEqual(["ds6", "rack2"]);
  expect((await plannedMember(plan, "dataserver", { rack: "x" }, random)).rack).toBe("x");
});

test("nameservers found their group once, and later ones join it", async () => {
  const plan = await plannedCluster(size, random);
  const [first] = membersOf(plan, "nameserver");
  const founding = wordsOf(plan, first!, "/c");
  expect(founding).toContain("--found");
  expect(option(founding, "--peers")?.split(",")).toHaveLength(3);
  const running = { ...plan, members: plan.members.map(started) };
  const again = wordsOf(running, started(first!), "/c");
  expect(again).toEqual(["nameserver", "--data", "/c/ns1", "--secret-file", "/c/secret"]);

  const planned = await plannedMember(running, "nameserver", {}, random);
  const late = withMember(running, planned);
  expect(planned.joins).toBe(true);
  const joining = wordsOf(late, planned, "/c");
  expect(joining).not.toContain("--found");
  expect(option(joining, "--join")?.split(",")).toHaveLength(3);
  expect(option(joining, "--listen")).toBe(`127.0.0.1:${planned.port}`);
  const known = (words: readonly string[]) => option(words, "--nameservers")?.split(",").length;
  const gateway = membersOf(late, "gateway")[0]!;
  expect(known(wordsOf(late, gateway, "/c"))).toBe(3);
  const joined = { ...late, members: late.members.map(started) };
  expect(known(wordsOf(joined, gateway, "/c"))).toBe(4);
});
