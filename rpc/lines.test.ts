/** Lines to servers are opened once, follow their servers, and are closed when nobody needs them. */
import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { heldBlocks } from "../test/rpc-held.ts";
import { request, secret } from "../test/rpc-pair.ts";
import { formatAddress } from "./address.ts";
import { Lines, openBlockLine } from "./lines.ts";
import { serve } from "./serve.ts";
import { RpcServer } from "./server.ts";
import { blockTable } from "./tables.ts";

/** Lines that only say what becomes of them. */
function told(most?: number) {
  const [opened, closed, busy] = [[] as string[], [] as string[], new Set<string>()];
  const open = (address: string) => {
    opened.push(address);
    return { address, busy: () => busy.has(address), close: () => closed.push(address) };
  };
  const lines = new Lines<string, ReturnType<typeof open>>({ open, ...(most && { most }) });
  return { lines, opened, closed, busy };
}

describe("a line", () => {
  test("is opened once for each server, and anew where it is now", () => {
    const { lines, opened, closed } = told();
    const first = lines.to("a", "one");
    expect(lines.to("a", "one")).toBe(first);
    lines.to("b", "two");
    expect(lines.to("a", "three")).not.toBe(first);
    expect(opened).toEqual(["one", "two", "three"]);
    expect(closed).toEqual(["one"]);
  });

  test("is closed when its server is gone or elsewhere, and with all others at the end", () => {
    const { lines, opened, closed } = told();
    for (const name of ["a", "b", "c"]) lines.to(name, name);
    lines.retain(new Map(Object.entries({ a: "a", b: "elsewhere", d: "d" })));
    expect(closed).toEqual(["b", "c"]);
    expect(opened).toEqual(["a", "b", "c"]);
    lines[Symbol.dispose]();
    expect(closed).toEqual(["b", "c", "a"]);
    expect(() => lines.to("a", "a")).toThrow(expect.objectContaining({ code: "Closed" }));
  });

  test("that was not used for the longest makes room, unless somebody waits on it", () => {
    const { lines, closed, busy } = told(3);
    for (const name of ["a", "b", "c"]) lines.to(name, name);
    busy.add("b");
    lines.to("a", "a"); // b is the oldest now, and busy; then c
    lines.to("d", "d");
    expect(closed).toEqual(["c"]);
    for (const name of ["a", "d"]) busy.add(name);
    lines.to("e", "e");
    expect(closed).toEqual(["c"]);
    expect(lines.size).toBe(4);
    busy.clear();
    lines.to("f", "f");
    expect(closed).toEqual(["c", "b", "a"]);
    expect(lines.size).toBe(3);
  });
});

test("a line to a dataserver is busy while a call waits, and each binding has its own patience", async () => {
  const { blocks, answer, arrived } = heldBlocks();
  await using server = await RpcServer.listen({
    ...{ clock: systemClock, random: systemRandom, secret, report: () => undefined },
    ...{ address: { host: "127.0.0.1", port: 0 }, services: [serve(blocks, blockTable)] },
  });
  const trust = { secret, clock: systemClock, random: systemRandom };
  const patience = { hasty: 20, patient: 60_000 };
  const line = openBlockLine(trust, formatAddress(server.address), patience);
  const data = Buffer.alloc(10, 1);
  expect(line.busy?.()).toBe(false);
  const waiting = line.patient.append(request(1n, data), data);
  await arrived(1);
  expect(line.busy?.()).toBe(true);
  await expect(line.hasty.append(request(2n, data), data)).rejects.toMatchObject({
    code: "Timeout",
  });
  answer();
  expect(await waiting).toEqual({ kind: "stored" });
  expect(line.busy?.()).toBe(false);
  line.close();
});
