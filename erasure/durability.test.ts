import { expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { durabilityOf } from "./durability.ts";
import { schemeOf } from "./scheme.ts";

const HOURS_A_YEAR = 365.25 * 24;

test("a mirror of two has the known closed form (3λ + μ) / 2λ²", () => {
  const rate = -Math.log(1 - 0.02) / HOURS_A_YEAR;
  const meanHours = (3 * rate + 1 / 24) / (2 * rate ** 2);
  const found = durabilityOf(schemeOf(1, 1), { failuresAYear: 0.02, repairHours: 24 });
  expect(found.lossProbabilityAYear).toBeCloseTo(1 - Math.exp(-HOURS_A_YEAR / meanHours), 12);
  expect(found).toMatchObject({ overhead: 2, survivableLosses: 1, devices: 2 });
});

test("a simulation of the chain takes as long to lose an object as the formula says", () => {
  const model = { failuresAYear: 0.9, repairHours: 400 };
  const scheme = schemeOf(2, 2);
  const failureRate = -Math.log(0.1) / HOURS_A_YEAR;
  const random = seededRandom(1);
  const exponential = (rate: number) => -Math.log((random.u32() + 1) / 2 ** 32) / rate;
  const runs = 3000;
  let hours = 0;
  for (let run = 0; run < runs; run++)
    for (let lost = 0; lost <= 2; ) {
      const failing = (4 - lost) * failureRate;
      const repairing = lost / model.repairHours;
      hours += exponential(failing + repairing);
      lost += random.u32() / 2 ** 32 < failing / (failing + repairing) ? 1 : -1;
    }
  const { lossProbabilityAYear } = durabilityOf(scheme, model);
  const meanHours = -HOURS_A_YEAR / Math.log1p(-lossProbabilityAYear);
  expect(hours / runs / meanHours).toBeGreaterThan(0.93);
  expect(hours / runs / meanHours).toBeLessThan(1.07);
});

test("more parity and faster repair are safer; what cannot be is refused", () => {
  const at = (k: number, m: number, repairHours: number) =>
    durabilityOf(schemeOf(k, m), { failuresAYear: 0.02, repairHours }).nines;
  expect(at(10, 4, 24)).toBeGreaterThan(at(10, 3, 24) + 2);
  expect(at(10, 4, 1)).toBeGreaterThan(at(10, 4, 24) + 5);
  expect(at(4, 2, 24)).toBeGreaterThan(at(8, 2, 24));
  const model = { failuresAYear: 0.02, repairHours: 24 };
  expect(() => durabilityOf(schemeOf(1, 1), { ...model, failuresAYear: 2 })).toThrow(
    "a failure rate of 2 a year cannot be; give a part between 0 and 1",
  );
  expect(() => durabilityOf(schemeOf(1, 1), { ...model, repairHours: 0 })).toThrow(
    "a repair time of 0 hours cannot be",
  );
});
