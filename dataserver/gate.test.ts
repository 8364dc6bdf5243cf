import { expect, test } from "vitest";
import { Gate } from "./gate.ts";

test("shared runs go together, exclusive ones alone and in their turn", async () => {
  const gate = new Gate<string>();
  const log: string[] = [];
  const releases: (() => void)[] = [];
  const run = (name: string) => async () => {
    log.push(`${name}+`);
    await new Promise<void>((resolve) => releases.push(resolve));
    log.push(`${name}-`);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const all = [
    gate.shared("a", run("s1")),
    gate.shared("a", run("s2")),
    gate.exclusive("a", run("x1")),
    gate.shared("a", run("s3")),
    gate.exclusive("a", run("x2")),
    gate.shared("b", run("other")),
  ];
  for (let i = 0; i < 6; i++) {
    await settle();
    for (const release of releases.splice(0)) release();
  }
  await Promise.all(all);
  const ofA = log.filter((entry) => !entry.startsWith("other"));
  expect(ofA).toEqual(["s1+", "s2+", "s1-", "s2-", "x1+", "x1-", "s3+", "s3-", "x2+", "x2-"]);
  expect(log.indexOf("other+")).toBeLessThan(log.indexOf("s1-"));
});

test("a run that fails lets the next one in", async () => {
  const gate = new Gate<number>();
  const failing = gate.exclusive(1, () => Promise.reject(new Error("no")));
  const next = gate.shared(1, async () => "in");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("in");
});
