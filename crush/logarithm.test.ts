import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drawNumerators, fixedLog } from "./logarithm.ts";

const vector = JSON.parse(
  readFileSync(join(import.meta.dirname, "../test/vectors/crush/crush-ln.json"), "utf8"),
) as { sha256: string; samples: [number, string][] };

test("samples of the 16-bit logarithm are Ceph's", () => {
  expect(vector.samples.map(([u]) => String(fixedLog(u)))).toEqual(
    vector.samples.map(([, value]) => value),
  );
});

test("all 65,536 values are Ceph's", () => {
  const bytes = Buffer.alloc(65536 * 8);
  drawNumerators.forEach((value, u) => {
    bytes.writeBigInt64LE(BigInt(value + 2 ** 48), u * 8);
  });
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(vector.sha256);
});
