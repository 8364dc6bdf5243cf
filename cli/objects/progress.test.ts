import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { Progress } from "./progress.ts";

test("a bar with rate and time left once all is found; nothing where nobody looks", () => {
  const clock = new SimulatedClock();
  const written: string[] = [];
  const terminal = { isTTY: true, columns: 200, write: (text: string) => written.push(text) };
  const progress = new Progress(true, terminal, clock);
  progress.expect(600_000, 1);
  progress.expect(400_000, 1);
  clock.advance(1000);
  progress.add(250_000, 1);
  expect(written.at(-1)).toContain("244.1 KiB of 976.6 KiB+, 244.1 KiB/s, 1 of 2+ files");
  progress.allFound();
  clock.advance(1000);
  progress.add(250_000);
  expect(written.at(-1)).toMatch(/\[=+> +\] {2}50% .* 0:02 left, 1 of 2 files/);
  progress[Symbol.dispose]();
  expect(written.at(-1)).toBe("\r\x1b[K");

  const silent: string[] = [];
  const file = { isTTY: false, write: (text: string) => silent.push(text) };
  const unseen = new Progress(true, file, clock);
  clock.advance(1000);
  unseen.add(1);
  unseen.clear();
  expect(silent).toEqual([]);
});

test("on a narrow terminal the bar gives way, not the words", () => {
  const clock = new SimulatedClock();
  let written = "";
  const terminal = { isTTY: true, columns: 80, write: (text: string) => (written = text) };
  const progress = new Progress(true, terminal, clock);
  for (let file = 0; file < 20_000; file++) progress.expect(5);
  progress.allFound();
  const drawn = () => written.replace("\r\x1b[K", "");
  clock.advance(1000);
  progress.add(51_000, 10_200);
  expect(drawn()).toMatch(/^\[=+> +\] {2}51% .* left, 10200 of 20000 files$/);
  expect(drawn().length).toBeLessThan(80);
  terminal.columns = 60;
  clock.advance(1000);
  progress.add(5, 1);
  expect(drawn()).toMatch(/^ 51% 49\.8 KiB of /);
});

test("the pace of small files is told in files", () => {
  const clock = new SimulatedClock();
  const progress = new Progress(false, { write: () => true }, clock);
  clock.advance(2000);
  progress.add(10_000, 200);
  expect(progress.summary()).toBe("9.8 KiB in 0:02 (4.9 KiB/s, 100 files/s)");
  progress.add(1_000_000_000, 1);
  expect(progress.summary()).not.toContain("files/s");
});
