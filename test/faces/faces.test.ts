import { expect, test } from "vitest";
import { faces } from "./faces.ts";
import { NamesModel } from "./names-model.ts";

test("names of all faces hold the same contents under kills, and go one by one (short form)", async () => {
  const counts = await faces({ operations: 600, seconds: 0, seed: 20_261_121 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, orphans: 0, missing: 0 });
  expect(counts.kills).toBeGreaterThan(0);
  expect(counts.shared).toBeGreaterThan(5);
}, 180_000);

test("the model knows what a name may hold, and notices what it may not", () => {
  const model = new NamesModel();
  model.begin("a", "1").done("1");
  model.begin("b", "2").done("2");
  model.observe("a", "1");
  const cut = model.begin("a", "3");
  expect(model.isKnown("a")).toBe(false);
  model.observe("a", "3");
  model.observe("a", "3");
  cut.refused();
  model.beginLink("c", "a");
  model.observe("c", "1");
  model.beginLink("e", "b");
  model.beginLink("f", "e");
  model.observe("f", "2");
  expect(model.complaints).toEqual([]);
  model.observe("c", "3");
  model.beginLink("d", "a");
  model.observe("d", "2");
  expect(model.wrong).toBe(2);
  model.observe("b", undefined);
  expect(model.lost).toBe(1);
  expect(model.complaints).toHaveLength(3);
});
