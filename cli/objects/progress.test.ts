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
