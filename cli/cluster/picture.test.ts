import { expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { healingKinds, usualHealing } from "../../rpc/healing.ts";
import { type Health, healthLevels } from "../../rpc/health.ts";
import { pauseMs } from "./member.ts";
import { picture } from "./picture.ts";
import { requestsIn } from "./request-rate.ts";
import { layout, wrapped } from "./screen.ts";
import type { ClusterView } from "./view.ts";

const at = (name: string) => ({ name, state: "ready", pid: 1, address: `a:${name}` }) as const;
const GiB = 2 ** 30;
const half = { isIn: true, totalBytes: 2 * GiB, freeBytes: GiB };

const view: ClusterView = {
  ...{ directory: "/c", epoch: 4, isTold: true },
  nameservers: [
    { ...at("ns1"), role: "follower", term: 3, lag: 12 },
    { ...at("ns2"), role: "leader", term: 3, lag: 0 },
    { ...at("ns3"), state: "killed" },
  ],
  dataservers: [
    { ...at("ds1"), rack: "rack1", device: { ...half, state: "ok" } },
    { ...at("ds2"), rack: "rack2", device: { ...half, state: "full", freeBytes: 0 } },
    {
      ...at("ds3"),
      rack: "rack1",
      state: "paused",
      device: { ...half, state: "down", isIn: false },
    },
    { ...at("ds4"), rack: "rack2" },
  ],
  gateways: [{ ...at("gw1"), url: "http://a:1", requestsPerSecond: 41.6 }],
};

test("the table shows who leads, who lags, who is up and how full, rack by rack", () => {
  expect(picture(view)).toEqual([
    "Quarry cluster in /c",
    "",
    "nameservers  ns2 leads in term 3",
    "  ns1   runs       a:ns1  follower, term 3  12 entries behind",
    "  ns2   runs       a:ns2  leader, term 3",
    "  ns3   killed     a:ns3",
    "dataservers  2 of 4 up, epoch 4",
    "  rack1  ds1   runs       a:ds1  up        [#####.....] 1.0 GiB of 2.0 GiB",
    "         ds3   paused     a:ds3  down, out  [#####.....] 1.0 GiB of 2.0 GiB",
    "  rack2  ds2   runs       a:ds2  up, full  [##########] 2.0 GiB of 2.0 GiB",
    "         ds4   runs       a:ds4  has no device that the nameservers know",
    "gateways",
    "  gw1   runs       http://a:1  42 requests/s",
  ]);
});

test("a device that was never heard is not said to be full", () => {
  const device = { ...half, state: "down", freeBytes: 0 } as const;
  const lines = picture({ ...view, dataservers: [{ ...at("ds1"), rack: "rack1", device }] });
  expect(lines[7]).toBe("  rack1  ds1   runs       a:ds1  down      of 2.0 GiB");
});

test("what no nameserver tells is not taken for something that they do not know", () => {
  const lines = picture({ ...view, isTold: false, epoch: 0 });
  expect(lines[6]).toBe("dataservers  how they stand no nameserver tells at the moment");
  expect(lines[7]).toBe("  rack1  ds1   runs       a:ds1");
});

test("below it stands how healthy all of it is, and how far healing got", () => {
  const counts = (change: Partial<Health["blocks"]>): Health["blocks"] => ({
    ...(Object.fromEntries(healthLevels.map((level) => [level, 0])) as Health["blocks"]),
    ...change,
  });
  const message = (n: number) => `osd.${n} is down`;
  const concern = (n: number) =>
    ({ level: "degraded", kind: "device", of: `osd.${n}`, message: message(n) }) as const;
  const health: Health = {
    ...{ level: "degraded", asOfMs: 1, bytes: counts({}), atRisk: [], moreConcerns: 1 },
    blocks: counts({ degraded: 2, healthy: 5 }),
    concerns: [0, 1, 2, 3, 4].map(concern),
    healing: {
      settings: usualHealing,
      work: Object.fromEntries(
        healingKinds.map((kind) => [kind, { waiting: 1, running: 0, done: 0 }]),
      ) as NonNullable<Health["healing"]>["work"],
      ...{
        bytesLeft: 2 ** 20,
        bytesDone: 0,
        bytesPerSecond: 0,
        stuck: [],
        leaving: [],
        stuckCount: 0,
      },
      isKnown: true,
    },
  };
  expect(picture({ ...view, health }).slice(-7)).toEqual([
    "health   degraded: 2 blocks degraded, 6 other things to see to",
    ...[0, 1, 2, 3].map((n) => `  ${message(n)}`),
    "  and 2 more",
    `healing  0 running, ${healingKinds.length} waiting, 1.0 MiB left at 0 B/s`,
  ]);
});

test("in a small terminal the table gives way to what happened last", () => {
  const table = ["t1", "t2", "t3", "t4", "t5", "t6"];
  const said = ["s1", "s2", "s3", "s4", "s5"];
  expect(layout(table, said, 12)).toEqual([...table, "", ...said]);
  expect(layout(table, said, 10)).toEqual([...table, "", "s3", "s4", "s5"]);
  expect(layout(table, said, 7)).toEqual(["t1", "t2", "t3", "", "s3", "s4", "s5"]);
  for (const rows of [0, 1, 2, 3])
    expect(layout(table, said, rows).length).toBeLessThanOrEqual(rows);
  expect(wrapped("abcdefg", 3)).toEqual(["abc", "def", "g"]);
  expect(wrapped("", 3)).toEqual([""]);
});

test("pauses before a member is started again grow, up to a maximum", () => {
  expect([1, 2, 3].map(pauseMs)).toEqual([1, 2, 4].map((times) => times * limits.memberPauseMs));
  expect(pauseMs(limits.memberEnds)).toBe(limits.memberLongestPauseMs);
});

test("requests of all verbs are added up", () => {
  const metrics = `# HELP quarry_s3_requests_total x
quarry_s3_requests_total{verb="GetObject",status="200"} 7
quarry_s3_requests_total{verb="PutObject",status="500"} 2
quarry_s3_requests_in_flight 1`;
  expect(requestsIn(metrics)).toBe(9);
});
