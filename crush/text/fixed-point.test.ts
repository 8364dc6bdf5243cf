import { expect, test } from "vitest";
import { nearestFloat, parseWeight, printWeight } from "./fixed-point.ts";

test("weights are read in 32-bit floats and cut, not rounded", () => {
  expect(parseWeight("1.0")).toBe(65536);
  expect(parseWeight("0.72533")).toBe(47535);
  expect(parseWeight("0.00001")).toBe(0);
  expect(parseWeight("16777.217")).toBe(1099511680);
  expect(parseWeight(".5")).toBe(32768);
  expect(parseWeight("5.")).toBe(327680);
});

test("what does not fit becomes what C makes of it", () => {
  expect(parseWeight("-1.0")).toBe(4294901760);
  expect(parseWeight("1e20")).toBe(0);
  expect(parseWeight("1e99")).toBe(0);
});

test("a decimal between two floats is rounded once", () => {
  expect(nearestFloat("1.000000059604644775390625")).toBe(1);
  expect(nearestFloat("1.00000005960464477539062500001")).toBe(1 + 2 ** -23);
  expect(nearestFloat("1.00000017881393432617187499999")).toBe(1 + 2 ** -23);
  expect(nearestFloat("10.0000017881393432617187500001e-1")).toBe(1 + 2 ** -22);
});

test("three digits, halves to even, signed", () => {
  expect(printWeight(65536)).toBe("1.000");
  expect(printWeight(4096)).toBe("0.062");
  expect(printWeight(12288)).toBe("0.188");
  expect(printWeight(0x80000000)).toBe("-32768.000");
});
