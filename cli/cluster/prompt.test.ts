import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { Order } from "./orders.ts";
import { obey } from "./prompt.ts";

async function typed(line: string, answer: () => string[] = () => ["done"]) {
  const orders: Order[] = [];
  const said: string[] = [];
  let quits = 0;
  await obey(line, {
    carryOut: async (order) => {
      orders.push(order);
      return answer();
    },
    say: (text) => said.push(text),
    quit: () => quits++,
  });
  return { orders, said: said.join("\n"), quits };
}

test.each<[string, Order]>([
  ["kill ds3", { type: "kill", member: "ds3" }],
  ["  corrupt  ds3 --flips 9 --seed 4", { type: "corrupt", member: "ds3", flips: 9, seed: 4 }],
  ["corrupt ds3", { type: "corrupt", member: "ds3", flips: 1, seed: 1 }],
  ["fill ds1 --free 1GiB", { type: "fill", member: "ds1", freeBytes: 2 ** 30 }],
  ["add dataserver --rack r", { type: "add", kind: "dataserver", rack: "r" }],
  ["add gateway", { type: "add", kind: "gateway" }],
])("%s", async (line, order) => {
  const { orders, said } = await typed(line);
  expect(orders).toEqual([order]);
  expect(said).toBe("done");
});

test.each([
  ["frob", /unknown command 'frob'/],
  ["kill", /missing required argument 'member'/],
  ["add disk", /nameserver, dataserver or gateway/],
  ["corrupt ds1 --flips -1", /whole number/],
  ["help", /drain <member>/],
])("%s is answered, and nothing is done", async (line, words) => {
  const { orders, said } = await typed(line);
  expect(orders).toEqual([]);
  expect(said).toMatch(words);
});

test("what cannot be done is said; an empty line says nothing; quit ends all", async () => {
  const refused = await typed("drain ds1", () => {
    throw new QuarryError("NotImplemented", "not yet");
  });
  expect(refused.said).toBe("not yet");
  expect(await typed("  ")).toEqual({ orders: [], said: "", quits: 0 });
  expect((await typed("quit")).quits).toBe(1);
});
