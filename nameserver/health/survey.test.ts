import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { BlobId, BlockId, DeviceId, NeedleId, Term } from "../../base/ids.ts";
import type { BlockStatus, DeviceStatus } from "../../rpc/block-service.ts";
import { type HealingProgress, healingKinds, usualHealing } from "../../rpc/healing.ts";
import { blockPg, placementOf } from "../../rpc/placement.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { ClusterState, deviceId, GIBIBYTE, serverId } from "../../test/metadata/cluster-state.ts";
import { Stock } from "../stock/stock.ts";
import { Survey } from "./survey.ts";

const term = 1 as Term;

/** Hosts of one device each, a pool over hosts, and blocks of it where they belong. */
async function scene(hosts: number, scheme: PoolScheme, blocks = 3) {
  const clock = new SimulatedClock();
  const state = new ClusterState();
  for (let host = 0; host < hosts; host++)
    await state.register(host, { host: `host${host}` }, [[host, 1000]]);
  const pool = await state.pool("some", { scheme, failureDomain: "host", pgNum: 64 });
  const map = await state.map();
  const placement = placementOf(map);
  const states = new Map<DeviceId, Partial<DeviceStatus>>();
  const stock = new Stock();
  const survey = new Survey({
    ...{ group: { state: state.store, term }, stock, clock, map: async () => await state.map() },
    report: () => undefined,
    blocks: {
      devices: async () =>
        (await state.map()).devices.map(({ device }) => ({
          ...{ device, path: "", state: "ok" as const },
          ...{ totalBytes: 1000 * GIBIBYTE, freeBytes: 900 * GIBIBYTE },
          ...states.get(device),
        })),
    },
  });
  const held = new Map<DeviceId, BlockStatus[]>(map.devices.map(({ device }) => [device, []]));
  for (let n = 0; n < blocks; n++) {
    const block = (65_536 + n) as BlockId;
    const its = placement.pool(pool) ?? nothing();
    const members = placement.devicesOfPg(its, blockPg(its, block)).map((one) => one ?? null);
    await state.propose({ type: "addBlock", block, generation: 1, pool, scheme, members });
    members.forEach((device, piece) => {
      if (device !== null) held.get(device)?.push(status(block, piece, scheme));
    });
  }
  stock.begin(term);
  const hear = (device: DeviceId, ...changes: BlockStatus[]) => {
    const mark = stock.markOf(device);
    const upTo = { era: 1, number: mark.era === 1 ? mark.number + 1 : 1 };
    const all = mark.era === 1 ? changes : (held.get(device) ?? []);
    stock.told(device, { blocks: all, gone: [], upTo, more: false });
    stock.heard(device, upTo);
  };
  const look = async () => {
    clock.advance(20_000);
    return await survey.look();
  };
  return { clock, state, states, stock, survey, held, hear, look, map, pool };
}

const idleHealing: HealingProgress = {
  settings: usualHealing,
  work: Object.fromEntries(
    healingKinds.map((kind) => [kind, { waiting: 0, running: 0, done: 0 }]),
  ) as HealingProgress["work"],
  ...{ bytesLeft: 0, bytesDone: 0, bytesPerSecond: 0, stuck: [], stuckCount: 0 },
  ...{ leaving: [], isKnown: true },
};

const nothing = (): never => {
  throw new Error("there is such a pool");
};

function status(block: BlockId, piece: number, scheme: PoolScheme): BlockStatus {
  const counts = { needles: 2, liveBytes: 1000, fileBytes: 1200, digest: 5n };
  return {
    ...{ block, generation: 1, sealed: true, ...counts, damage: [], checkedMs: 77 },
    piece: { piece, scheme },
  };
}

describe("a cluster", () => {
  test("says what is lost, by needle and object", async () => {
    const s = await scene(4, { k: 1, m: 2 });
    for (const { device } of s.map.devices) s.hear(device);
    expect((await s.look()).health.level).toBe("healthy");
    const owner = { blob: 9 as BlobId, chunk: 2 };
    const lost = [{ needle: 0xabn as NeedleId, owner, pieces: 0 }];
    const object = { bucket: "b", key: "k" };
    const loss = { block: 65_536 as BlockId, lostCount: 4, unknownCount: 1, foundMs: 0 };
    s.survey.losses = () => [{ ...loss, lost: lost.map((one) => ({ ...one, object })) }];
    const { health } = await s.look();
    expect(health.level).toBe("lost");
    const [concern] = health.concerns;
    expect(concern).toMatchObject({ level: "lost", kind: "blocks", of: "65536" });
    for (const words of ["00000000000000ab", "s3://b/k", "blob 9, chunk 2", "3 more", "knows of 1"])
      expect(concern?.message).toContain(words);
  });

  test("is healthy only when every device was heard, and every piece was checked", async () => {
    const s = await scene(4, { k: 1, m: 2 });
    expect((await s.look()).health.level).toBe("unchecked");
    const [first, ...others] = s.map.devices.map(({ device }) => device);
    for (const device of others) s.hear(device);
    const before = (await s.look()).health;
    expect([before.level, before.concerns.map(({ message }) => message)]).toEqual([
      "unchecked",
      [
        expect.stringContaining("osd.0 at host0 has not told yet what it holds"),
        expect.stringContaining("pool default keeps a single copy"),
      ],
    ]);
    s.hear(first ?? nothing());
    const { health } = await s.look();
    expect(health).toMatchObject({ level: "healthy", atRisk: [], oldestCheckMs: 77 });
    // STANDARD names it, and there are four hosts.
    expect(health.concerns).toMatchObject([{ level: "healthy", kind: "pool", of: "default" }]);
    expect(health.concerns[0]?.message).toContain("set default --replicas 3 --domain host`");
    await s.state.propose({ type: "changePool", pool: 0, change: { scheme: { k: 1, m: 1 } } });
    expect((await s.look()).health.concerns).toEqual([]);
    expect(health.blocks.healthy).toBe(3);

    const [one = nothing()] = s.held.get(first ?? nothing()) ?? [];
    const { checkedMs: _, ...unread } = one;
    s.hear(first ?? nothing(), unread);
    const after = (await s.look()).health;
    expect([after.level, after.atRisk[0]?.doing]).toEqual(["unchecked", "is read by the scrub"]);
    s.stock.begin(2 as Term);
    expect((await s.look()).health.level).toBe("unchecked");
  });

  test("says that a dataserver runs without a device that it had: start it is no advice then", async () => {
    const s = await scene(4, { k: 1, m: 2 });
    s.states.set(deviceId(0), { state: "down" });
    const told = async () => {
      const { concerns } = (await s.look()).health;
      return concerns.find((one) => one.of === "osd.0")?.message;
    };
    expect(await told()).toContain("start its dataserver");
    // Its folder was wiped: another dataserver, with another device, at the same address.
    await s.state.propose({
      ...{ type: "registerDataserver", server: serverId(9), address: "host0:7000" },
      ...{ location: { host: "host0" }, version: "1" },
      devices: [{ device: deviceId(9), capacityBytes: GIBIBYTE }],
    });
    expect(await told()).toContain("`quarry admin device out osd.0`");
  });

  test("says where the worst is, why, and how few pieces are left", async () => {
    const s = await scene(6, { k: 4, m: 2 }, 5);
    for (const { device } of s.map.devices) s.hear(device);
    expect((await s.look()).health.level).toBe("healthy");
    s.states.set(deviceId(0), { state: "down" });
    s.states.set(deviceId(1), { state: "down" });
    const { health } = await s.look();
    expect([health.level, health.blocks["at risk"]]).toEqual(["at risk", 5]);
    expect(health.atRisk[0]).toMatchObject({ goodPieces: 4, scheme: { k: 4, m: 2 } });
    expect(health.atRisk[0]?.troubles.map(({ why }) => why)).toEqual([
      "device down",
      "device down",
    ]);
    expect(health.concerns.map((one) => one.of)).toEqual(["osd.0", "osd.1", "some", "default"]);
    expect(health.concerns[2]?.message).toMatch(/at least 5 different hosts, and 4 can take/);
    s.states.set(deviceId(2), { state: "down" });
    expect((await s.look()).health.level).toBe("unreadable");
    await s.state.propose({ type: "changeDevice", device: deviceId(0), in: false });
    const { concerns } = (await s.look()).health;
    expect(concerns.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        /needs 6 different hosts and has 5: degraded, no place to heal; add 1 host/,
      ),
    );
  });

  test("does not take a difference of a moment for harm, nor for health", async () => {
    const s = await scene(3, { k: 1, m: 2 }, 1);
    await s.state.propose({ type: "sealBlock", block: 65_536 as BlockId, generation: 1 });
    await s.state.propose({
      ...{ type: "settleBlock", block: 65_536 as BlockId, generation: 1, afterMs: 0 },
    });
    for (const { device } of s.map.devices) s.hear(device);
    const [one = nothing()] = s.held.get(deviceId(0)) ?? [];
    s.hear(deviceId(0), { ...one, digest: 6n, needles: 1 });
    expect((await s.look()).health.level).toBe("unchecked");
    const { health } = await s.look();
    expect([health.level, health.atRisk[0]?.troubles]).toEqual([
      "degraded",
      [expect.objectContaining({ why: "other needles", device: deviceId(0) })],
    ]);
  });

  test("names blocks that nobody knows, and devices that are full or have failed", async () => {
    const s = await scene(4, { k: 1, m: 2 }, 1);
    for (const { device } of s.map.devices) s.hear(device);
    s.hear(deviceId(3), status(99 as BlockId, 0, { k: 1, m: 0 }));
    s.states.set(deviceId(1), { state: "full" });
    s.states.set(deviceId(2), { state: "failed" });
    const messages = (await s.look()).health.concerns.map(({ message }) => message).join("\n");
    expect(messages).toMatch(/osd.1 at host1 is full/);
    expect(messages).toMatch(/osd.2 at host2 takes no more writes after an error of its disk/);
    expect(messages).toMatch(/1 block stands on devices and the metadata does not know it \(99 on/);
  });

  test("names the device that has no room for what is to be made on it", async () => {
    const s = await scene(4, { k: 1, m: 2 }, 1);
    for (const { device } of s.map.devices) s.hear(device);
    const lackRoom = [{ device: deviceId(1), blocks: 7 }];
    s.survey.healing = () => ({ ...idleHealing, lackRoom });
    const { health } = await s.look();
    expect(health).toMatchObject({ level: "degraded", concerns: [{ of: "osd.1" }, {}] });
    expect(health.concerns[0]?.message).toMatch(
      /^osd.1 at host1 has no room for 7 blocks.*: add devices/,
    );
  });

  test("does not say what it would do about a block that is well", async () => {
    const s = await scene(3, { k: 1, m: 2 }, 1);
    for (const { device } of s.map.devices) s.hear(device);
    s.survey.healing = () => idleHealing;
    s.clock.advance(20_000);
    const block = await s.survey.block(65_536 as BlockId);
    expect([block.level, block.doing]).toEqual(["healthy", undefined]);
  });

  test("is told again what was found out a moment ago", async () => {
    const s = await scene(3, { k: 1, m: 2 }, 1);
    const [a, b] = [await s.survey.look(), await s.survey.look()];
    expect(a).toBe(b);
    s.clock.advance(1_000);
    expect(await s.survey.look()).not.toBe(a);
  });
});
