/** A report as one HTML page with its pictures in it; it asks nothing of the network. */
import { barChart, colorOf, escaped, lineChart } from "./plot.ts";
import type { Ratio, Report, Row } from "./result.ts";
import { figure, rolesText, spreadText } from "./table.ts";

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.2rem 0 .4rem; font-size: 1.15rem; } h3 { margin: 1rem 0 .2rem; font-size: .9rem; color: var(--soft); font-weight: 500; }
svg { width: 100%; max-width: 46rem; display: block; } svg text { font-size: 12px; fill: currentColor; }
.axis { stroke: currentColor; fill: none; } .grid { stroke: var(--line); fill: none; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; font-variant-numeric: tabular-nums; }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em; }
.soft { color: var(--soft); }`;

export function reportHtml(report: Report): string {
  const names = report.endpoints.map((e) => e.name);
  const workloads = [...Map.groupBy(report.rows, (row) => row.workload)];
  const body = [
    `<h1>Storage throughput</h1>${conditionsHtml(report)}`,
    ...workloads.map(([name, rows]) => workloadHtml(name, rows, names)),
    report.ratios.length > 0
      ? `<h2>Beside each other, round by round</h2>${ratios(report.ratios)}`
      : "",
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Quarry bench ${escaped(report.conditions.date)}</title><style>${STYLE}</style><body>${body.join("\n")}</body></html>\n`;
}

function conditionsHtml({ conditions, endpoints, ...report }: Report): string {
  const names = endpoints.map((e) => e.name);
  const lines = [
    `${conditions.date}, commit ${conditions.commit}, node ${conditions.node}`,
    `${conditions.machine}, load average ${figure(conditions.loadAverage)} at the start`,
    `${report.repeats} rounds of ${report.seconds} s, warm-up ${report.warmUpSeconds} s, ${report.load}; medians, whiskers from least to most`,
  ];
  const items = endpoints.map(
    (e) =>
      `<li><span class="dot" style="background:${colorOf(names, e.name)}"></span>${escaped(e.name)} <span class="soft">${escaped(e.url)}, durability ${escaped(e.durability)}</span></li>`,
  );
  return `<p class="soft">${lines.map(escaped).join("<br>")}</p><ul style="list-style:none;padding:0">${items.join("")}</ul>`;
}

function workloadHtml(name: string, rows: readonly Row[], names: readonly string[]): string {
  const isSweep = new Set(rows.map((row) => row.lanes)).size > 1;
  const pictures = isSweep ? sweep(rows, names) : bars(rows, names);
  const roles = rows.flatMap((row) => {
    const text = rolesText(row);
    return text === ""
      ? []
      : `<p class="soft">${escaped(`${row.endpoint} × ${row.lanes}: ${text}`)}</p>`;
  });
  return `<h2>${escaped(name)}</h2>${pictures}${table(rows.map(cells))}${roles.join("")}`;
}

function bars(rows: readonly Row[], names: readonly string[]): string {
  const inKeys = rows.some((row) => row.keysPerSecond.median > 0);
  const inMegabytes = rows.some((row) => row.megabytesPerSecond.median > 200);
  const [unit, of] = inKeys
    ? (["keys/s", (row: Row) => row.keysPerSecond] as const)
    : inMegabytes
      ? (["MB/s", (row: Row) => row.megabytesPerSecond] as const)
      : (["/s", (row: Row) => row.operationsPerSecond] as const);
  const speed = rows.map((row) => ({ name: row.endpoint, value: of(row) }));
  const cost = rows.flatMap(({ endpoint, cpuMicrosPerOperation: micros }) =>
    micros === undefined
      ? []
      : { name: endpoint, value: { median: micros, least: micros, most: micros } },
  );
  const costs =
    cost.length === 0 ? "" : `<h3>CPU of the server for each</h3>${barChart(cost, "µs", names)}`;
  return `<h3>Throughput</h3>${barChart(speed, unit, names)}${costs}`;
}

function sweep(rows: readonly Row[], names: readonly string[]): string {
  const lines = (of: (row: Row) => number) =>
    [...Map.groupBy(rows, (row) => row.endpoint)].map(([name, own]) => ({
      name,
      points: own.map((row) => ({ x: row.lanes, y: of(row) })).sort((a, b) => a.x - b.x),
    }));
  return (
    `<h3>Operations a second</h3>${lineChart(
      lines((row) => row.operationsPerSecond.median),
      "/s",
      names,
    )}` +
    `<h3>p99</h3>${lineChart(
      lines((row) => row.p99Ms),
      "ms",
      names,
    )}`
  );
}

function cells(row: Row): Record<string, string> {
  const { cpuMicrosPerOperation: micros, cpuSecondsPerGiB: perGiB, peakBytes } = row;
  return {
    endpoint: row.endpoint,
    connections: String(row.lanes),
    "a second": spreadText(row.operationsPerSecond),
    "MB/s": row.megabytesPerSecond.median > 0 ? spreadText(row.megabytesPerSecond) : "",
    "keys/s": row.keysPerSecond.median > 0 ? spreadText(row.keysPerSecond) : "",
    "p50 ms": figure(row.p50Ms),
    p99: figure(row.p99Ms),
    "p99.9": figure(row.p999Ms),
    "CPU µs each": micros === undefined ? "?" : figure(micros),
    "CPU s a GiB": perGiB === undefined ? "" : figure(perGiB),
    "peak MB": peakBytes === undefined ? "?" : figure(peakBytes / 1e6),
    failed: String(row.failures),
  };
}

function ratios(all: readonly Ratio[]): string {
  return table(
    all.map((ratio) => ({
      workload: ratio.workload,
      connections: String(ratio.lanes),
      "": `${ratio.endpoint} beside ${ratio.beside}`,
      speed: `× ${spreadText(ratio.speed)}`,
      "CPU for each": ratio.cpu === undefined ? "?" : `× ${spreadText(ratio.cpu)}`,
    })),
  );
}

function table(rows: readonly Record<string, string>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const line = (tag: string, values: readonly string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join("")}</tr>`;
  const lines = rows.map((row) =>
    line(
      "td",
      names.map((name) => row[name] ?? ""),
    ),
  );
  return `<table>${line("th", names)}${lines.join("")}</table>`;
}
