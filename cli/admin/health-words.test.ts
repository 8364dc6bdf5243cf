import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { emptyMap, type MappedDevice } from "../../rpc/cluster-map.ts";
import { type HealingProgress, healingKinds, usualHealing } from "../../rpc/healing.ts";
import { type BlockHealth, type Health, healthLevels } from "../../rpc/health.ts";
import { blockLine, headline, healingLines, healingSummary, healthLines } from "./health-words.ts";
import { type Screen, screenOf } from "./status.ts";

const device = "u3" as DeviceId;
const mapped = { device, number: 3, weight: 1, in: true, capacityBytes: 1 } as MappedDevice;
const map = { ...emptyMap, devices: [mapped] };
const NOW = 1_000_000_000;

const counts = (change: Partial<Health["blocks"]> = {}): Health["blocks"] => ({
  ...(Object.fromEntries(healthLevels.map((level) => [level, 0])) as Health["blocks"]),
  ...change,
});

const healthy: Health = {
  ...{ level: "healthy", asOfMs: NOW, blocks: counts({ healthy: 7 }), bytes: counts() },
  ...{ atRisk: [], concerns: [], moreConcerns: 0, oldestCheckMs: NOW - 3 * 3_600_000 },
};

const ill: BlockHealth = {
  ...{ block: 65_536 as BlockId, pool: 0, generation: 2, scheme: { k: 4, m: 2 } },
  ...{ layout: "split", level: "at risk", goodPieces: 4 },
  troubles: [
    { piece: 0, why: "device down", device },
    { piece: 5, why: "no place" },
  ],
  doing: "stuck: no place to heal",
};

const healing: HealingProgress = {
  settings: usualHealing,
  work: Object.fromEntries(
    healingKinds.map((kind) => [kind, { waiting: 0, running: 0, done: 0 }]),
  ) as HealingProgress["work"],
  ...{
    bytesLeft: 0,
    bytesDone: 0,
    bytesPerSecond: 0,
    stuck: [],
    stuckCount: 0,
    leaving: [],
    isKnown: true,
  },
};
const busy: HealingProgress = {
  ...healing,
  work: { ...healing.work, rebuild: { waiting: 20, running: 4, done: 1 } },
  ...{ bytesLeft: 2 ** 30, bytesDone: 2 ** 20, bytesPerSecond: 2 ** 27, estimateMs: 8_000 },
  stuck: [1, 2, 3, 4].map((block) => ({
    block: block as BlockId,
    why: "no place to heal: add 1 host",
  })),
  stuckCount: 4,
};

describe("health in words", () => {
  test("says healthy only where nothing is to see to", () => {
    expect(headline(healthy)).toBe("healthy: all 7 blocks");
    expect(headline({ ...healthy, blocks: counts() })).toBe("healthy: nothing is stored yet");
    expect(healthLines(healthy, map, NOW)).toEqual([
      "healthy: all 7 blocks",
      "  healthy    7 blocks, 0 B: read and found good",
      "  the check that is longest ago was 3 hours ago",
    ]);
    const later = healthLines(healthy, map, NOW - 2 * 3_600_000);
    expect(later.at(-1)).toBe("  the check that is longest ago was 1 hour ago");
  });

  test("counts what is beside blocks, and takes nobody for lost who was not heard yet", () => {
    const concerns: Health["concerns"] = [
      { level: "degraded", kind: "device", of: "osd.3", message: "osd.3 is full" },
    ];
    const full: Health = { ...healthy, level: "degraded", concerns };
    expect(headline(full)).toBe("degraded: 1 thing to see to");
    const why = "not heard" as const;
    const troubles = [0, 1, 2, 3, 4].map((piece) => ({ piece, why, device }));
    const line = blockLine({ ...ill, goodPieces: 1, level: "unchecked", troubles }, map);
    expect(line).toContain("1 good, more not heard of yet: piece 0 not heard");
    expect(line).not.toContain("too few");
  });

  test("names each block, why it is endangered, what is left and what is done", () => {
    expect(blockLine(ill, map)).toBe(
      "at risk    block 65536 of default (4+2), 4 good, 0 to spare: piece 0 device down (osd.3), piece 5 no place; stuck: no place to heal",
    );
    const health: Health = {
      ...healthy,
      ...{ level: "at risk", blocks: counts({ healthy: 7, "at risk": 2 }), atRisk: [ill] },
      concerns: [{ level: "degraded", kind: "device", of: "osd.3", message: "osd.3 is down" }],
    };
    expect(headline(health)).toBe("at risk: 2 blocks at risk, 1 other thing to see to");
    const lines = healthLines(health, map, NOW).join("\n");
    expect(lines).toMatch(/to see to:\n {2}osd.3 is down\n/);
    expect(lines).toMatch(/and 1 more/);
  });
});

describe("healing in words", () => {
  test("is one line, or all of it", () => {
    expect(healingSummary(healing, healthy)).toBe("nothing to do");
    expect(healingSummary({ ...healing, isKnown: false }, healthy)).toBe(
      "looks at what there is to do",
    );
    expect(healingSummary(busy, healthy)).toBe(
      "4 running, 20 waiting, 4 stuck, 1.0 GiB left at 128.0 MiB/s, about 0:08",
    );
    expect(healingLines(busy, map, healthy)).toEqual([
      "rebuild: 4 running, 20 waiting",
      "1.0 MiB done, 1.0 GiB left at 128.0 MiB/s, about 0:08",
      "4 blocks cannot go on:",
      "  no place to heal: add 1 host (block 1, 2, 3, …)",
    ]);
    const waits = { ...healthy, atRisk: [{ ...ill, doing: "waits for its device" }] };
    expect(healingSummary(healing, waits)).toBe(
      "nothing to do now; of the most endangered block: waits for its device",
    );
    const leaving = [{ device, blocks: 7 }, { device: "u4" as DeviceId }];
    expect(healingLines({ ...healing, leaving }, map, healthy)).toEqual([
      "nothing to do",
      "osd.3 is out: 7 blocks are left on it",
      "u4 is out: it did not say what is left on it",
    ]);
    const paused = { ...busy, settings: { ...usualHealing, paused: true } };
    expect(healingLines(paused, map, healthy)[0]).toContain("heal resume");
  });
});

test("the whole cluster stands on one screen", () => {
  const capacity: Screen["capacity"] = {
    ...{ asOfMs: NOW, totalBytes: 2 ** 40, freeBytes: 2 ** 39, repairBytes: 2 ** 30 },
    ...{ keepsRepairRoom: true, devices: [] },
    pools: [
      {
        ...{ pool: 0, name: "default", scheme: { k: 4, m: 2 }, failureDomain: "host", blocks: 7 },
        ...{ usedBytes: 2 ** 30, storedBytes: 1.5 * 2 ** 30, usableBytes: 2 ** 38, overhead: 1.5 },
        ...{ places: 5, placesNeeded: 6, bottleneck: { device, number: 3, place: "rack1/h3" } },
      },
    ],
  };
  const states = [{ device, path: "", totalBytes: 1, freeBytes: 1, state: "down" as const }];
  const health = { ...healthy, healing: busy };
  expect(screenOf({ map, states, health, capacity, nameservers: [] })).toEqual([
    "health       healthy: all 7 blocks",
    "dataservers  0 of 0 up, epoch 0 of the cluster map",
    "devices      1 device: 1 down",
    "room         512.0 GiB of 1.0 TiB used, 1.0 GiB kept for repairs",
    "healing      4 running, 20 waiting, 4 stuck, 1.0 GiB left at 128.0 MiB/s, about 0:08",
    "",
    "POOL     SCHEME  STORED   ON DEVICES  USABLE     FULL FIRST\n" +
      "default  4+2     1.0 GiB  1.5 GiB     256.0 GiB  osd.3 in rack1/h3  needs 6 hosts, has 5",
  ]);
});
