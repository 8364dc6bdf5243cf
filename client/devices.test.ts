import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId, NeedleId, ServerId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { formatAddress } from "../rpc/address.ts";
import type { BlockService } from "../rpc/block-service.ts";
import { emptyMap, type MapAnswer } from "../rpc/cluster-map.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { blockTable } from "../rpc/tables.ts";
import { Devices } from "./devices.ts";

const device = "d" as DeviceId;
const server = "s" as ServerId;
const trust = { clock: systemClock, random: systemRandom, secret: systemRandom.bytes(32) };
const request = {
  ...{ device, block: 1 as BlockId, needle: 1n as NeedleId },
  ...{ offset: 0, lengthBytes: 1 },
};

let map: MapAnswer;
let asked = 0;
let devices: Devices;
let nowMs = 0;
beforeEach(() => {
  asked = nowMs = 0;
  map = { epoch: 0, down: [] };
  const names = {
    clusterMap: async (newerThan: number) => {
      asked++;
      const { map: whole, ...rest } = map;
      return { ...rest, ...(whole !== undefined && map.epoch > newerThan && { map: whole }) };
    },
  };
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  devices = new Devices({ ...trust, names, clock });
});
afterEach(async () => await devices[Symbol.asyncDispose]());

async function dataserver(): Promise<RpcServer> {
  const read = async () => ({ kind: "missing", what: "needle" }) as const;
  const service = { read } as unknown as BlockService;
  return await RpcServer.listen({
    ...{ ...trust, address: { host: "127.0.0.1", port: 0 }, report: () => undefined },
    services: [serve(service, blockTable)],
  });
}

function mapped(epoch: number, rpc: RpcServer, down: DeviceId[] = []): MapAnswer {
  const address = formatAddress(rpc.address);
  const place = { capacityBytes: 1, weight: 1, in: true, number: 0 };
  const dataservers = [{ server, address, location: { host: "h" }, version: "1" }];
  return {
    epoch,
    down,
    map: { ...emptyMap, epoch, dataservers, devices: [{ device, server, ...place }] },
  };
}

const read = () => devices.serviceOf(device).read(request);

test("the map is asked for once, and a device that nobody knows is asked for again", async () => {
  await expect(read()).rejects.toMatchObject({ code: "NoSuchDevice" });
  await using rpc = await dataserver();
  map = mapped(1, rpc);
  await Promise.all([read(), read(), read()]);
  await read();
  expect(asked).toBe(2);
});

test("a dataserver that moved is found by who tries again", async () => {
  const before = await dataserver();
  map = mapped(1, before);
  await read();
  await before.close();
  await using after = await dataserver();
  map = mapped(2, after);
  nowMs += 1_000;
  await expect(read()).rejects.toMatchObject({ code: "Unavailable" });
  expect((await read()).kind).toBe("missing");
});

test("one that is down is refused at once, and asked about now and then", async () => {
  await using rpc = await dataserver();
  map = mapped(1, rpc, [device]);
  await expect(read()).rejects.toThrow(/is down/);
  await expect(read()).rejects.toThrow(QuarryError);
  expect(asked).toBe(1);
  map = { epoch: 1, down: [] };
  nowMs += 1_000;
  expect((await read()).kind).toBe("missing");
  expect(asked).toBe(2);
});
