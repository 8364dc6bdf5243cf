/**
 * The answer of `whatif` as an SVG picture: above, what moves against the least that must; below,
 * a column per device (per host when there are many) with its fill before and after.
 */
import { printBytes, printShare } from "./sizes.ts";
import { type DeviceReport, deviceReports, summary, type WhatIf } from "./whatif-report.ts";

const WIDTH = 960;
const MARGIN = 24;
const CHART_TOP = 150;
const CHART_HEIGHT = 240;
const LABELS_HEIGHT = 90;
/** More columns than this are drawn per host. */
const MOST_COLUMNS = 48;

const colors = { before: "#b8c0cc", after: "#2f6fde", least: "#7a8699", text: "#1c2430" } as const;

interface Column {
  readonly label: string;
  readonly before: number;
  readonly after: number;
}

export function* whatifPicture(result: WhatIf): Generator<string> {
  const height = CHART_TOP + CHART_HEIGHT + LABELS_HEIGHT;
  yield `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="${colors.text}">`;
  yield `<title>${escaped(result.changes.join("; "))}</title>`;
  yield `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`;
  yield text(MARGIN, 32, result.changes.join("; "), 'font-size="18" font-weight="600"');
  yield* movementBars(result);
  yield* chart(columnsOf(deviceReports(result)));
  yield "</svg>";
}

function* movementBars(result: WhatIf): Generator<string> {
  const { movedBytes, movedShare, leastBytes, leastShare } = summary(result);
  const widest = WIDTH - 2 * MARGIN - 300;
  const unit = widest / Math.max(movedBytes, leastBytes, 1);
  const bars = [
    ["moves", movedBytes, movedShare, colors.after],
    ["at least", leastBytes, leastShare, colors.least],
  ] as const;
  for (const [i, [label, bytes, share, color]] of bars.entries()) {
    const y = 54 + i * 30;
    yield text(MARGIN, y + 15, label);
    yield rect(MARGIN + 80, y, bytes * unit, 20, color);
    yield text(MARGIN + 90 + bytes * unit, y + 15, `${printBytes(bytes)}, ${printShare(share)}`);
  }
}

function columnsOf(devices: readonly DeviceReport[]): Column[] {
  if (devices.length <= MOST_COLUMNS)
    return devices.map(({ name, beforeBytes, afterBytes }) => ({
      label: name,
      before: beforeBytes,
      after: afterBytes,
    }));
  const hosts = Map.groupBy(devices, ({ host }) => host);
  return [...hosts].map(([label, members]) => ({
    label,
    before: members.reduce((sum, { beforeBytes }) => sum + beforeBytes, 0),
    after: members.reduce((sum, { afterBytes }) => sum + afterBytes, 0),
  }));
}

function* chart(columns: readonly Column[]): Generator<string> {
  const most = Math.max(1, ...columns.flatMap(({ before, after }) => [before, after]));
  const bottom = CHART_TOP + CHART_HEIGHT;
  const step = (WIDTH - 2 * MARGIN) / Math.max(1, columns.length);
  const bar = Math.max(1, step * 0.38);
  yield text(MARGIN, CHART_TOP - 16, `before`, `fill="${colors.least}"`);
  yield text(MARGIN + 56, CHART_TOP - 16, `after`, `fill="${colors.after}"`);
  yield text(
    WIDTH - MARGIN,
    CHART_TOP - 16,
    `top of the chart: ${printBytes(most)}`,
    'text-anchor="end"',
  );
  for (const [i, { label, before, after }] of columns.entries()) {
    const x = MARGIN + i * step;
    const [low, high] = [before, after].map((bytes) => (bytes / most) * CHART_HEIGHT);
    yield "<g>";
    yield `<title>${escaped(label)}: ${printBytes(before)} before, ${printBytes(after)} after</title>`;
    yield rect(x, bottom - (low ?? 0), bar, low ?? 0, colors.before);
    yield rect(x + bar, bottom - (high ?? 0), bar, high ?? 0, colors.after);
    const place = `transform="rotate(60 ${round(x)} ${bottom + 14})" font-size="11"`;
    yield text(x, bottom + 14, label, place);
    yield "</g>";
  }
  yield rect(MARGIN, bottom, WIDTH - 2 * MARGIN, 1, colors.text);
}

const round = (value: number): string => value.toFixed(1);

function rect(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
}

/** Names in a map are letters, digits and a few signs, file names are not. */
function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
