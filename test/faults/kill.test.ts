import { expect, test } from "vitest";
import { kill } from "./kill.ts";
import { KillModel } from "./kill-model.ts";

test("kill -9 under load loses nothing that was acknowledged (short form)", async () => {
  const counts = await kill({ rounds: 4, seed: 20_261_121 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0 });
  expect(counts.acknowledged).toBeGreaterThan(10);
}, 120_000);

test("the model notices loss, wrong bytes and ghosts", () => {
  const model = new KillModel();
  model.begin("a", "1");
  model.acknowledge("a", "1");
  model.begin("a", "2");
  model.observe("a", "2");
  expect(model.complaints).toEqual([]);
  model.observe("a", undefined);
  expect(model.lost).toBe(1);
  model.begin("b", "3");
  model.acknowledge("b", "3");
  model.observe("b", "4");
  expect(model.wrong).toBe(1);
  model.compareListing(new Set(["ghost"]));
  expect(model.complaints.some((line) => line.includes("ghost"))).toBe(true);
});
