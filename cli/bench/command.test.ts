import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Report } from "./result.ts";

const run = promisify(execFile);
const bin = join(import.meta.dirname, "..", "bin.mjs");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-bench-test-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const isData = (name: string) => name.startsWith("quarry-bench-");

async function bench(...words: string[]): Promise<Report> {
  const times = ["--seconds", "0.2", "--warm-up", "0.1", "--repeats", "1", "--dir", folder];
  const { stdout } = await run(process.execPath, [bin, "bench", ...times, ...words, "--json"]);
  return JSON.parse(stdout) as Report;
}

describe("quarry bench", () => {
  test("stands stores beside each other, and draws it", async () => {
    const page = join(folder, "report.html");
    const report = await bench(
      ...["--endpoint", "quarry", "--endpoint", "raw", "--name", "<raw>", "--html", page],
      ...["--workload", "put-4k,get-4k", "--concurrency", "1,4", "--objects", "8"],
    );
    const cells = report.rows.map((row) => `${row.workload} ${row.lanes} ${row.endpoint}`);
    expect(cells).toEqual(
      ["put-4k 1", "put-4k 4", "get-4k 1", "get-4k 4"].flatMap((cell) => [
        `${cell} quarry`,
        `${cell} <raw>`,
      ]),
    );
    for (const { failures, operationsPerSecond, peakBytes } of report.rows) {
      expect(failures).toBe(0);
      expect(operationsPerSecond.median).toBeGreaterThan(0);
      expect(peakBytes).toBeGreaterThan(1e6);
    }
    expect(report.ratios).toHaveLength(4);
    expect(report.endpoints[0]).toMatchObject({ name: "quarry", durability: "commit" });
    expect(report.conditions.commit).not.toBe("");
    const html = await readFile(page, "utf8");
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).toContain("&lt;raw&gt;");
    expect(html).not.toContain("<raw>");
  }, 120_000);

  test("knows every kind of workload", async () => {
    const workloads =
      "mixed-1k,delete-1k,list-10,multipart-6m-5m,range-64k-1k,put-64k,get-64k,fid-put-1k,fid-get-1k,stream-put-64k,stream-get-64k".split(
        ",",
      );
    const report = await bench("--workload", workloads.join(","), "--objects", "25");
    expect(report.rows.map((row) => row.workload)).toEqual(workloads);
    for (const { failures } of report.rows) expect(failures).toBe(0);
    expect(report.rows[2]?.keysPerSecond.median).toBeGreaterThan(0);
  }, 180_000);

  test("starts a whole cluster, and tells what each role costs", async () => {
    const report = await bench(
      ...["--endpoint", "cluster", "--cluster-nameservers", "1", "--cluster-dataservers", "2"],
      ...["--workload", "put-4k,stream-get-64k,fid-get-1k", "--objects", "4"],
    );
    for (const { failures, roleMicros } of report.rows) {
      expect(failures).toBe(0);
      expect(Object.keys(roleMicros ?? {})).toEqual(["gateway", "leader", "dataservers"]);
    }
    expect((await readdir(folder)).filter(isData)).toEqual([]);
  }, 120_000);

  test("measures parts alone, each beside another way", async () => {
    const report = await bench("--micro", "index,commit,sigv4");
    const ways = report.ratios.map(({ workload, beside }) => `${workload} ${beside}`);
    expect(ways).toEqual([
      ...["index-find Map", "index-find quarry, still open"],
      ...["commit LevelDB", "sigv4 SDK's signer"],
    ]);
    for (const { operationsPerSecond } of report.rows)
      expect(operationsPerSecond.median).toBeGreaterThan(0);
    expect((await readdir(folder)).filter(isData)).toEqual([]);
  }, 120_000);

  test.each(["sdk", "autocannon"])(
    "also sends with %s",
    async (client) => {
      const report = await bench("--client", client, "--workload", "get-4k", "--objects", "4");
      expect(report.rows[0]?.failures).toBe(0);
      expect(report.rows[0]?.megabytesPerSecond.median).toBeGreaterThan(0);
    },
    120_000,
  );

  test("leaves nothing behind when it is interrupted", async () => {
    const words = ["bench", "--workload", "put-4k", "--seconds", "60", "--dir", folder];
    const running = spawn(process.execPath, [bin, ...words], { stdio: "ignore" });
    const ended = once(running, "exit");
    await vi.waitFor(
      async () => {
        const [data = ""] = await readdir(folder).then((all) => all.filter(isData));
        expect(await readdir(join(folder, data))).toContain("root-credentials");
      },
      { timeout: 60_000, interval: 50 },
    );
    running.kill("SIGTERM");
    expect(await ended).toEqual([130, null]);
    expect((await readdir(folder)).filter(isData)).toEqual([]);
  }, 90_000);

  test.each<[words: string, why: RegExp]>([
    ["--endpoint nowhere", /nowhere is no endpoint.*quarry, cluster, raw/],
    ["--seconds 0", /--seconds/],
    ["--endpoint raw --endpoint raw", /--name/],
    ["--endpoint raw --workload fid-get-4k", /no fids that are known.*--fids/],
    ["--endpoint raw --workload stream-get-4k", /--store or --cluster/],
    ["--endpoint cluster --durability none", /a cluster syncs/],
    ["--cluster-dataservers 0 --endpoint cluster", /whole number from 1/],
    ["--micro fly", /no micro-benchmark fly: there are rpc/],
    ["--micro rpc --endpoint raw", /cannot be used with/],
  ])("%s is refused in words", async (words, why) => {
    await expect(bench(...words.split(" "))).rejects.toThrow(why);
  });
});
