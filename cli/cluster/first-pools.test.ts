import { expect, test } from "vitest";
import type { NameService } from "../../rpc/name-service.ts";
import { ClusterState } from "../../test/metadata/cluster-state.ts";
import { type FirstPools, firstPools, makePools, poolWords } from "./first-pools.ts";

const told = ({ small, large }: FirstPools) =>
  [small, large].map((pool) => pool && `${pool.scheme.k}+${pool.scheme.m} ${pool.failureDomain}`);

test.each([
  [8, 4, ["1+2 rack", "4+2 host"]],
  [7, 2, ["1+2 host", "4+2 host"]],
  [6, 3, ["1+2 rack", undefined]],
  [3, 4, ["1+2 rack", undefined]],
  [2, 4, ["1+1 rack", undefined]],
  [2, 1, ["1+1 host", undefined]],
  [1, 1, ["1+0 osd", undefined]],
  [0, 4, ["1+0 osd", undefined]],
] as const)("%i dataservers in %i racks", (dataservers, racks, pools) => {
  expect(told(firstPools({ dataservers, racks }, {}))).toEqual(pools);
});

test("wishes go before", () => {
  const size = { dataservers: 8, racks: 4 };
  const wished = firstPools(size, { replicas: 5, largeScheme: { k: 2, m: 1 } });
  expect(told(wished)).toEqual(["1+4 host", "2+1 host"]);
  expect(told(firstPools(size, { largeScheme: null }))).toEqual(["1+2 rack", undefined]);
});

test("they are made once, however often it is begun, and said in words", async () => {
  const state = new ClusterState();
  const names = {
    clusterMap: async () => ({ map: await state.map() }),
    execute: state.propose,
  } as unknown as NameService;
  const pools = firstPools({ dataservers: 8, racks: 4 }, {});
  for (let time = 0; time < 2; time++) await makePools(names, pools);
  const { pools: made, storageClasses } = await state.map();
  expect(made).toMatchObject([
    { name: "default", scheme: { k: 1, m: 2 }, failureDomain: "rack", minMembers: 2 },
    { name: "large", scheme: { k: 4, m: 2 }, failureDomain: "host", minMembers: 5 },
  ]);
  const large = made[1]?.id;
  expect(storageClasses).toEqual([{ name: "STANDARD", small: 0, large, thresholdBytes: 2 ** 20 }]);
  expect(poolWords(pools)).toBe(
    "objects below 1.0 MiB are kept 3 times, on different racks: any 2 dataservers of these may be lost; larger ones in 4+2 pieces on different hosts, any 4 of which give them back: any 2 dataservers of these may be lost",
  );
});
