/** Pools of a store in one process: small objects in copies, large ones in pieces, devices that go. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { createClient } from "../client/client.ts";
import type { Store } from "../client/store.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import type { BlockService } from "../rpc/block-service.ts";

const MiB = 1024 * 1024;
const KiB = 1024;

const random = seededRandom(3);
const away = new Set<DeviceId>();
let dataserver: Dataserver;
let nameserver: Nameserver;
let store: Store;

/** The devices that are away are so for everybody. */
function reachable(service: Dataserver): BlockService {
  const devices = async () =>
    (await service.devices()).map((status) =>
      away.has(status.device) ? { ...status, state: "down" as const } : status,
    );
  return new Proxy<BlockService>(service, {
    get: (_, name) => {
      if (name === "devices") return devices;
      const method = Reflect.get(service, name) as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        const [first] = given as [DeviceId | { readonly device: DeviceId }];
        if (away.has(typeof first === "string" ? first : first.device))
          throw new QuarryError("Unavailable", "the dataserver is away");
        return await method.apply(service, given);
      };
    },
  });
}

beforeEach(async () => {
  const directories = Array.from({ length: 8 }, (_, i) => `/disk-${i}`);
  const report = () => undefined;
  const shared = { disk: new SimulatedDisk(), clock: systemClock, random, report };
  const durability = "commit" as const;
  away.clear();
  dataserver = await openDataserver({ ...shared, directories, durability });
  const blocks = reachable(dataserver);
  nameserver = await openNameserver({
    ...{ ...shared, durability, blocks, directory: "/nameserver" },
    openState: async () => new MemoryState(),
  });
  const serviceOf = () => blocks;
  store = createClient({ names: nameserver, serviceOf, clock: systemClock, random });
  const { names } = store;
  await names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await names.execute({ type: "changePool", pool: 0, change: { scheme: { k: 1, m: 2 } } });
  const settings = { scheme: { k: 4, m: 2 } };
  const made = await names.execute({ type: "createPool", name: "large", settings });
  if (made.type !== "pool") throw new Error("a pool is answered with its number");
  const pools = { small: 0, large: made.pool, thresholdBytes: MiB };
  await names.execute({ type: "setStorageClass", storageClass: { name: "STANDARD", ...pools } });
});
afterEach(async () => {
  await nameserver[Symbol.asyncDispose]();
  await dataserver[Symbol.asyncDispose]();
});

async function put(key: string, content: Buffer): Promise<void> {
  async function* views() {
    for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
  }
  const etag = createHash("md5").update(content).digest("hex");
  const body = { bytes: views(), lengthBytes: content.length };
  await store.put({ bucket: "b", key }, body, () => ({ etag }));
}

async function expectReads(key: string, content: Buffer, offset = 0): Promise<void> {
  const opened = await store.open({ bucket: "b", key, offset });
  const parts: Buffer[] = [];
  for await (const view of opened.read(offset, content.length - offset))
    parts.push(Buffer.from(view));
  expect(content.subarray(offset).equals(Buffer.concat(parts))).toBe(true);
}

/** The blocks that an object is in, in the order of its chunks. */
async function blocksOf(key: string) {
  const { run } = await store.names.lookup({ bucket: "b", key, offset: 0 });
  const ids = [...new Set((run?.chunks ?? []).map(({ block }) => block as BlockId))];
  return await Promise.all(ids.map((block) => store.names.locate(block)));
}

test("a large object is split and its short end is not; both outlive any two devices", async () => {
  const large = random.bytes(64 * KiB);
  const content = Buffer.alloc(9 * MiB - (MiB - 10 * KiB), large);
  for (let i = 0; i < content.length; i += 4096) content.writeUInt32LE(i, i);
  const small = random.bytes(100_000);
  await put("large", content);
  await put("small", small);
  const layouts = (await blocksOf("large")).map(({ layout, scheme }) => `${layout} ${scheme.k}`);
  expect(new Set(layouts)).toEqual(new Set(["split 4", "whole 1"]));
  expect((await blocksOf("small")).map(({ layout }) => layout)).toEqual(["whole"]);

  const devices = (await dataserver.devices()).map(({ device }) => device);
  for (const [i, one] of devices.entries()) {
    const other = devices[(i + 1 + (random.u32() % (devices.length - 1))) % devices.length];
    away.clear();
    away.add(one).add(other ?? one);
    await expectReads("large", content);
    await expectReads("large", content, 3_333_333);
    await expectReads("small", small);
  }
});

test("with three devices lost of an object it is an honest error, until one returns", async () => {
  const content = Buffer.alloc(5 * MiB, random.bytes(1000));
  await put("k", content);
  const [block] = await blocksOf("k");
  const members = (block?.members ?? []).filter((device) => device !== null);
  for (const device of members.slice(1, 4)) away.add(device);
  await expect(expectReads("k", content)).rejects.toMatchObject({ code: "Unavailable" });
  const [, returned] = members;
  if (returned !== undefined) away.delete(returned);
  await expectReads("k", content);
});

test("writes go on when a device fails, with the members that are left", async () => {
  const content = Buffer.alloc(5 * MiB, random.bytes(1000));
  await put("before", content);
  const [block] = await blocksOf("before");
  const [lost] = block?.members ?? [];
  if (lost) away.add(lost);
  await put("after", content);
  await expectReads("after", content);
  await expectReads("before", content);
});
