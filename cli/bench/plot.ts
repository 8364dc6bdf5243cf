/** Pictures of figures, as SVG: bars with their spread, and lines over numbers of connections. */
import type { Spread } from "./statistics.ts";
import { figure } from "./table.ts";

const WIDTH = 720;
const NAMES = 130;
const VALUES = 150;
const BAR = 22;
const GAP = 8;
const HEIGHT = 260;
const LEFT = 70;
const BOTTOM = 36;
const TOP = 12;
const RIGHT = 120;
const COLORS = ["#2f6fde", "#d9822b", "#2a9d6f", "#b5459a", "#7a7f87", "#c23b3b", "#6b5bd2"];

export interface Bar {
  readonly name: string;
  readonly value: Spread;
}

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** The same name has the same color in all pictures of a report. */
export const colorOf = (names: readonly string[], name: string): string =>
  COLORS[names.indexOf(name) % COLORS.length] ?? "#7a7f87";

export const escaped = (text: string): string =>
  text.replace(
    /[&<>"]/g,
    (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c,
  );

const svg = (height: number, inside: readonly string[]) =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" xmlns="http://www.w3.org/2000/svg">${inside.join("")}</svg>`;

const text = (x: number, y: number, words: string, anchor = "start") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;

/** Medians as bars, least and most as whiskers; `unit` stands behind the figures. */
export function barChart(bars: readonly Bar[], unit: string, names: readonly string[]): string {
  const most = Math.max(...bars.map(({ value }) => value.most), Number.MIN_VALUE);
  const width = (value: number) => (value / most) * (WIDTH - NAMES - VALUES);
  const inside = bars.flatMap(({ name, value }, i) => {
    const y = GAP + i * (BAR + GAP);
    const middle = y + BAR / 2;
    const [least, end] = [NAMES + width(value.least), NAMES + width(value.most)];
    return [
      text(NAMES - 8, middle + 4, name, "end"),
      `<rect x="${NAMES}" y="${y}" width="${width(value.median).toFixed(1)}" height="${BAR}" rx="3" fill="${colorOf(names, name)}"/>`,
      `<path class="axis" d="M${least.toFixed(1)} ${middle}H${end.toFixed(1)}M${least.toFixed(1)} ${middle - 5}v10M${end.toFixed(1)} ${middle - 5}v10"/>`,
      text(end + 8, middle + 4, `${figure(value.median)} ${unit}`),
    ];
  });
  return svg(GAP + bars.length * (BAR + GAP), inside);
}

/** Lines from zero up, over a logarithm of x. */
export function lineChart(lines: readonly Line[], unit: string, names: readonly string[]): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b);
  const most = Math.max(...points.map((p) => p.y), Number.MIN_VALUE);
  const [first = 1, last = 1] = [xs[0], xs.at(-1)];
  const span = Math.max(Math.log2(last / first), 1e-9);
  const x = (value: number) => LEFT + (Math.log2(value / first) / span) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<path class="grid" d="M${LEFT} ${y(share * most).toFixed(1)}H${WIDTH - RIGHT}"/>`,
    text(LEFT - 8, y(share * most) + 4, figure(share * most), "end"),
  ]);
  const marks = xs.map((value) => text(x(value), HEIGHT - BOTTOM + 18, String(value), "middle"));
  const drawn = lines.flatMap(({ name, points: own }) => {
    const color = colorOf(names, name);
    const path = own.map(
      (p, i) => `${i === 0 ? "M" : "L"}${x(p.x).toFixed(1)} ${y(p.y).toFixed(1)}`,
    );
    const end = own.at(-1);
    return [
      `<path d="${path.join("")}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...own.map(
        (p) =>
          `<circle cx="${x(p.x).toFixed(1)}" cy="${y(p.y).toFixed(1)}" r="3" fill="${color}"/>`,
      ),
      end === undefined ? "" : text(x(end.x) + 8, y(end.y) + 4, name),
    ];
  });
  const axes = [
    text(WIDTH - RIGHT, HEIGHT - 4, "connections", "end"),
    text(LEFT, HEIGHT - 4, unit),
  ];
  return svg(HEIGHT, [...grid, ...marks, ...drawn, ...axes]);
}
