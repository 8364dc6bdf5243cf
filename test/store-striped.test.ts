/** Blocks that rest become stripes, and are read, removed from, written anew and made whole again. */
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { crossCheck } from "../cli/fsck/cross-check.ts";
import { inspectDevices } from "../cli/fsck/devices.ts";
import { createClient } from "../client/client.ts";
import type { Store } from "../client/store.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { OpenBlock } from "../rpc/name-service.ts";

const KiB = 1024;
const scheme = { k: 4, m: 2 };

const folders = Array.from({ length: 8 }, (_, i) => `/disk-${i}`);
const disk = () => new SimulatedDisk();
let random = seededRandom(3);
const away = new Set<DeviceId>();
const asked: string[] = [];
/** Methods that fail, and how often: for ever while they are here. */
const failing = new Map<string, number>();
let disks: { data: SimulatedDisk; names: SimulatedDisk };
let dataserver: Dataserver;
let nameserver: Nameserver;
let store: Store;
let state: MemoryState;

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
        const device = typeof first === "string" ? first : first.device;
        if (name === "read" || name === "readStripe") asked.push(device);
        const failures = failing.get(String(name)) ?? 0;
        if (failures > 0) {
          failing.set(String(name), failures - 1);
          if (random.u32() % 2 === 0) throw new QuarryError("Unavailable", "it ends in the middle");
          await method.apply(service, given);
          throw new QuarryError("Timeout", "the answer was lost");
        }
        if (away.has(device)) throw new QuarryError("Unavailable", "the dataserver is away");
        return await method.apply(service, given);
      };
    },
  });
}

async function start(): Promise<void> {
  const shared = { clock: systemClock, random, report: () => undefined };
  const durability = "commit" as const;
  dataserver = await openDataserver({
    ...{ ...shared, disk: disks.data, directories: folders, durability, reserveBytes: 0 },
    ...{ blockBytes: 1024 * KiB, extendBytes: 64 * KiB },
  });
  const blocks = reachable(dataserver);
  nameserver = await openNameserver({
    ...{ ...shared, disk: disks.names, durability, blocks, directory: "/nameserver" },
    ...{ settleMs: 50, workersPauseMs: 20, holdMs: 0 },
    openState: async () => state,
  });
  store = createClient({ names: nameserver, serviceOf: () => blocks, clock: systemClock, random });
}

async function stop(): Promise<void> {
  await nameserver[Symbol.asyncDispose]();
  await dataserver[Symbol.asyncDispose]();
}

beforeEach(async () => {
  random = seededRandom(3);
  away.clear();
  failing.clear();
  disks = { data: disk(), names: disk() };
  state = new MemoryState();
  await start();
  await store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await setPool({ scheme: { k: 1, m: 2 }, cold: { scheme, afterMs: 100 } });
});
afterEach(stop);

async function setPool(change: object): Promise<void> {
  await store.names.execute({ type: "changePool", pool: 0, change });
}

async function put(key: string, content: Buffer): Promise<void> {
  async function* bytes() {
    yield content;
  }
  const etag = createHash("md5").update(content).digest("hex");
  await store.put({ bucket: "b", key }, { bytes: bytes(), lengthBytes: content.length }, () => ({
    etag,
  }));
}

async function fill(count: number): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (let n = 0; n < count; n++) {
    const content = random.bytes(4096 + (n % 7 === 0 ? 9_000 : 0));
    contents.set(`key-${n}`, content);
  }
  const entries = [...contents];
  for (let at = 0; at < entries.length; at += 32)
    await Promise.all(entries.slice(at, at + 32).map(([key, content]) => put(key, content)));
  return contents;
}

async function expectReads(contents: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [key, content] of contents) {
    const opened = await store.open({ bucket: "b", key });
    const parts: Buffer[] = [];
    for await (const view of opened.read(0, content.length)) parts.push(Buffer.from(view));
    expect(content.equals(Buffer.concat(parts))).toBe(true);
  }
}

async function blocksOf(keys: Iterable<string>): Promise<OpenBlock[]> {
  const ids = new Set<BlockId>();
  for (const key of keys) {
    const { run } = await store.names.lookup({ bucket: "b", key, offset: 0 });
    for (const { block } of run?.chunks ?? []) ids.add(block);
  }
  return await Promise.all([...ids].map((block) => store.names.locate(block)));
}

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await is()); tries++) {
    if (tries > 1500) throw new Error(`it never became true: ${what}`);
    await wait(20);
  }
}

async function sealAll(keys: Iterable<string>): Promise<void> {
  for (const { block, generation } of await blocksOf(keys))
    await store.names.reportBlock(block, generation, "full");
}

const layouts = async (keys: Iterable<string>) =>
  new Set((await blocksOf(keys)).map((one) => `${one.layout} ${one.scheme.k}+${one.scheme.m}`));

const areAll = (keys: Iterable<string>, wanted: string) => async () =>
  [...(await layouts([...keys]))].join() === wanted;

test("cold blocks become stripes of less room; all is read with two devices away, also after a restart", async () => {
  const contents = await fill(500);
  await sealAll(contents.keys());
  await until("all is striped", areAll([...contents.keys()], "striped 4+2"));
  await expectReads(contents);
  asked.length = 0;
  const small = new Map([...contents].filter(([, { length }]) => length === 4096));
  await expectReads(small);
  expect(asked.length).toBeLessThan(small.size * 1.1);
  // What was copies is no more: nobody holds a generation that is not the block's.
  const rows = new Map((await blocksOf(contents.keys())).map((one) => [one.block, one]));
  const held = async () => {
    const devices = await dataserver.devices();
    const pages = devices.map(({ device }) => dataserver.blocks(device, 0, 1000));
    return (await Promise.all(pages)).flat().filter(({ block }) => rows.has(block));
  };
  await until("the copies went", async () => (await held()).length === rows.size * 6);
  let fileBytes = 0;
  for (const status of await held()) {
    expect(status.layout).toBe("striped");
    fileBytes += status.fileBytes;
  }
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  expect(fileBytes).toBeLessThan(bytes * 1.7);
  const devices = (await dataserver.devices()).map(({ device }) => device);
  const [one, other] = [devices[random.u32() % 4], devices[4 + (random.u32() % 4)]];
  if (one !== undefined && other !== undefined) away.add(one).add(other);
  await expectReads(contents);
  away.clear();
  await stop();
  await start();
  await expectReads(contents);
});

test("fsck takes a needle for readable as long as its range is there, or any k others", async () => {
  const contents = await fill(300);
  await sealAll(contents.keys());
  await until("all is striped", areAll([...contents.keys()], "striped 4+2"));
  const rows = await blocksOf(contents.keys());
  const isSwitched = async () => {
    const pages = (await dataserver.devices()).map((one) => dataserver.blocks(one.device, 0, 1000));
    const all = (await Promise.all(pages)).flat();
    const held = all.filter(({ block }) => rows.some((row) => row.block === block));
    return held.length === rows.length * 6 && held.every(({ layout }) => layout === "striped");
  };
  await until("all have switched", isSwitched);
  await stop();
  const look = async () => {
    const silent = () => undefined;
    const devices = await inspectDevices(disks.data, folders, silent, silent);
    return await crossCheck({ state, devices, onFinding: silent });
  };
  expect(await look()).toMatchObject({ missing: 0, thin: 0, orphans: 0 });
  const empty = async (folder = "") => {
    const blocks = (await disks.data.list(folder)).filter((name) => /\.(block|index)$/.test(name));
    for (const name of blocks) await disks.data.remove(`${folder}/${name}`);
  };
  for (const folder of folders.slice(0, 2)) await empty(folder);
  const without = await look();
  expect(without.missing).toBe(0);
  expect(without.thin).toBeGreaterThan(0);
  for (const folder of folders.slice(2, 5)) await empty(folder);
  const { missing } = await look();
  expect(missing).toBeGreaterThan(0);
  expect(missing).toBeLessThan(contents.size);
  await start();
});

test("what is deleted does not come back, garbage goes, and a pool that wants copies has them", async () => {
  const contents = await fill(300);
  await sealAll(contents.keys());
  await until("all is striped", areAll([...contents.keys()], "striped 4+2"));
  const generations = new Map(
    (await blocksOf(contents.keys())).map((one) => [one.block, one.generation]),
  );
  for (const key of [...contents.keys()])
    if (Number(key.slice(4)) % 2 === 0) {
      await store.names.execute({ type: "deleteObject", bucket: "b", key });
      contents.delete(key);
    }
  await until("the garbage went", async () =>
    (await blocksOf(contents.keys())).every(
      ({ block, generation }) => generation > (generations.get(block) ?? 0),
    ),
  );
  await expectReads(contents);
  await setPool({ cold: null });
  await until("all is whole", areAll([...contents.keys()], "whole 1+2"));
  await expectReads(contents);
});

const held = async (keys: Iterable<string>) => {
  const rows = new Map((await blocksOf(keys)).map((one) => [one.block, one]));
  const devices = await dataserver.devices();
  const pages = devices.map(({ device }) => dataserver.blocks(device, 0, 1000));
  return (await Promise.all(pages)).flat().filter(({ block }) => rows.has(block));
};

test.each(["convert", "switchGeneration", "inventory", "retire"])(
  "what fails in the middle is done again, and all is read meanwhile: %s",
  async (name) => {
    const contents = await fill(120);
    const keys = [...contents.keys()];
    await sealAll(keys);
    if (name !== "retire") failing.set(name, 3);
    await until("all is striped", areAll(keys, "striped 4+2"));
    await expectReads(contents);
    await until("the copies went", async () => {
      const all = await held(keys);
      return all.length % 6 === 0 && all.every(({ layout }) => layout === "striped");
    });
    if (name === "retire") failing.set(name, 3);
    await setPool({ cold: null });
    await until("all is whole", areAll(keys, "whole 1+2"));
    await expectReads(contents);
    await until("the stripes went", async () => {
      const all = await held(keys);
      return all.length % 3 === 0 && all.every(({ layout }) => layout !== "striped");
    });
    expect(failing.get(name)).toBe(0);
  },
  40_000,
);
