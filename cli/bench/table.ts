/** A report as text for the terminal. */
import type { Ratio, Report, Row } from "./result.ts";
import type { Spread } from "./statistics.ts";

const digits = (value: number) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
export const figure = (value: number) => value.toFixed(digits(value));
export const spreadText = ({ median, least, most }: Spread) =>
  `${figure(median)} (${figure(least)} … ${figure(most)})`;

export function reportText(report: Report): string {
  const { conditions, endpoints } = report;
  const head = [
    `commit ${conditions.commit}, node ${conditions.node}, ${conditions.machine}`,
    `${report.repeats} rounds of ${report.seconds} s, ${report.load}, load average ${figure(conditions.loadAverage)} at the start; medians (least … most)`,
    ...endpoints.map((e) => `${e.name}: ${e.url}, durability ${e.durability}`),
  ];
  const roles = report.rows.flatMap((row) => {
    const text = rolesText(row);
    return text === "" ? [] : `${row.workload} × ${row.lanes} ${row.endpoint}: ${text}`;
  });
  const failed = report.rows
    .filter((row) => row.failures > 0)
    .map(
      (row) =>
        `${row.workload} ${row.endpoint}: ${row.failures} operations failed; the first: ${row.firstFailure}`,
    );
  return [
    ...head,
    "",
    ...aligned(report.rows.map(cells)),
    "",
    ...aligned(report.ratios.map(ratioCells)),
    ...roles,
    ...failed,
  ].join("\n");
}

/** Empty where one role does all. */
export function rolesText({ roleMicros }: Row): string {
  if (roleMicros === undefined) return "";
  const each = Object.entries(roleMicros).map(([role, micros]) => `${role} ${figure(micros)}`);
  return `CPU µs each: ${each.join(", ")}`;
}

function cells(row: Row): Record<string, string> {
  const { cpuMicrosPerOperation: micros, cpuSecondsPerGiB: perGiB, peakBytes } = row;
  const moves = row.keysPerSecond.median > 0 ? row.keysPerSecond : row.megabytesPerSecond;
  return {
    workload: row.workload,
    lanes: String(row.lanes),
    endpoint: row.endpoint,
    "per second": spreadText(row.operationsPerSecond),
    "MB or keys/s": moves.median > 0 ? spreadText(moves) : "",
    "p50 ms": figure(row.p50Ms),
    p99: figure(row.p99Ms),
    "p99.9": figure(row.p999Ms),
    "CPU µs each": micros === undefined ? "?" : figure(micros),
    "CPU s/GiB": perGiB === undefined ? "" : figure(perGiB),
    "peak MB": peakBytes === undefined ? "?" : figure(peakBytes / 1e6),
    "load's µs": row.loadCpuMicros === undefined ? "" : figure(row.loadCpuMicros),
  };
}

function ratioCells(ratio: Ratio): Record<string, string> {
  return {
    workload: ratio.workload,
    lanes: String(ratio.lanes),
    beside: `${ratio.endpoint} / ${ratio.beside}`,
    speed: `× ${spreadText(ratio.speed)}`,
    "CPU each": ratio.cpu === undefined ? "?" : `× ${spreadText(ratio.cpu)}`,
  };
}

/** Columns under their names, as wide as their widest. */
export function aligned(rows: readonly Record<string, string>[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const names = Object.keys(first);
  const lines = [Object.fromEntries(names.map((name) => [name, name])), ...rows];
  const widths = names.map((name) => Math.max(...lines.map((line) => line[name]?.length ?? 0)));
  return lines.map((line) =>
    names
      .map((name, i) => (line[name] ?? "").padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
