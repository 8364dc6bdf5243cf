import { expect, test } from "vitest";
import type { BlockId, DeviceId, Term } from "../base/ids.ts";
import type { BlockService, Order } from "../rpc/block-service.ts";
import type { Group } from "./group/group.ts";
import { noBlocks } from "./no-blocks.ts";
import { ordersIn, stepsInTerm } from "./orders.ts";

const address = { device: "d" as DeviceId, block: 1 as BlockId, generation: 1 };
const term = (n: number) => n as Term;

function told() {
  const terms: (Term | undefined)[] = [];
  const hear = (order: Order) => {
    terms.push(order.term);
    return Promise.reject(new Error("heard"));
  };
  const orders = {
    ...{ createBlock: hear, remove: hear, sealBlock: hear, compact: hear },
    ...{ switchGeneration: hear, retire: hear, rebuild: hear },
  };
  return { terms, blocks: { ...noBlocks, ...orders } satisfies BlockService };
}

test("every order carries the term, or the one that it names itself", async () => {
  const { terms, blocks } = told();
  const orders = ordersIn(blocks, () => term(4));
  const scheme = { k: 1, m: 0 };
  const rebuild = { ...address, piece: 0, scheme, layout: "whole", sources: [] } as const;
  const all = [
    ...[orders.createBlock(address), orders.remove(address, []), orders.sealBlock(address)],
    ...[orders.compact(address), orders.switchGeneration(address), orders.retire(address)],
    ...[orders.rebuild(rebuild), orders.rebuild({ ...rebuild, term: term(3) })],
  ];
  expect((await Promise.allSettled(all)).every(({ status }) => status === "rejected")).toBe(true);
  expect(terms).toEqual([4, 4, 4, 4, 4, 4, 4, 3]);
});

test("a step keeps the term in which it began, and none begins without leading", async () => {
  const { terms, blocks } = told();
  const group = { term: term(4), isLeader: true };
  const step = async (orders: BlockService) => {
    await orders.retire(address).catch(() => undefined);
    // Deposed meanwhile: the term of its successor is known here already.
    group.term = term(5);
    await orders.retire(address).catch(() => undefined);
    return true;
  };
  const [worker] = stepsInTerm(group as Group, blocks, (orders) => [
    { name: "retiring", step: () => step(orders) },
  ]);
  expect(await worker?.step()).toBe(true);
  expect(terms).toEqual([4, 4]);
  group.isLeader = false;
  expect(await worker?.step()).toBe(false);
  expect(terms).toEqual([4, 4]);
});
