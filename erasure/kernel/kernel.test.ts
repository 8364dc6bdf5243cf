import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { multiply } from "../field.ts";
import { CodecMemory } from "../memory.ts";
import { buildModules } from "./build.ts";
import { bestVariant, tableBytes, variants, writeTables } from "./kernel.ts";

test("the modules are what the source builds", async () => {
  const checkedIn = readFileSync(join(import.meta.dirname, "modules.ts"), "utf8");
  expect(await buildModules()).toBe(checkedIn);
});

test("the best variant of this engine is the relaxed one", () => {
  expect(bestVariant()).toBe("relaxed");
});

describe.each(variants)("%s", (variant) => {
  const memory = new CodecMemory({ variant });

  /** Runs the kernel over random rows and compares with the definition, byte by byte. */
  function compare(seed: number, inputs: number, outputs: number, add: boolean): void {
    const random = seededRandom(seed);
    const lengthBytes = 32 * (1 + (random.u32() % 40));
    const from = 32 * (random.u32() % (lengthBytes / 32));
    const to = from + 32 * (1 + (random.u32() % ((lengthBytes - from) / 32)));
    const rows = Array.from({ length: outputs }, () => random.bytes(inputs));
    const addresses = Array.from({ length: inputs + outputs }, () => memory.allocate(lengthBytes));
    const views = addresses.map((address) => memory.view(address, lengthBytes));
    for (const view of views) view.set(random.bytes(lengthBytes));
    const before = views.map((view) => Buffer.from(view));
    const list = memory.allocate(addresses.length * 4);
    new Uint32Array(memory.shared.buffer, list, addresses.length).set(addresses);
    const tables = memory.allocate(tableBytes(rows));
    writeTables(rows, memory.view(tables, tableBytes(rows)));
    memory.multiply({
      tables,
      inputs: list,
      inputCount: inputs,
      outputs: list + inputs * 4,
      outputCount: outputs,
      from,
      to,
      add,
    });
    const expected = before.map((view, i) => {
      const row = rows[i - inputs];
      if (row === undefined) return view;
      const sum = Buffer.from(view);
      for (let at = from; at < to; at++)
        sum[at] = row.reduce(
          (total, factor, c) => total ^ multiply(factor, before[c]![at]!),
          add ? sum[at]! : 0,
        );
      return sum;
    });
    expect(views.map((view) => view.toString("hex"))).toEqual(
      expected.map((view) => view.toString("hex")),
    );
    for (const address of [...addresses, list, tables]) memory.release(address);
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 11])("%i rows are sums of products", (outputs) => {
    for (const inputs of [1, 2, 3, 10, 33]) {
      compare(outputs * 100 + inputs, inputs, outputs, false);
      compare(outputs * 100 + inputs + 50, inputs, outputs, true);
    }
  });

  test("blocks of columns join without a seam", () => {
    // 250 inputs: blocks of 512 columns
    compare(7, 250, 6, false);
    compare(8, 250, 6, true);
    expect(memory.usedBytes).toBe(0);
  });
});
