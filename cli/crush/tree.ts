/** `quarry crush tree`: the map drawn for people. */
import { Command } from "commander";
import { type Bucket, bucketWeight, type CrushMap, WEIGHT_ONE } from "../../crush/map.ts";
import { readMap, writeLines } from "./map-file.ts";

export function treeCommand(): Command {
  return new Command("tree")
    .description("draw the tree of a map with weights and shares")
    .argument("<map>", "text or JSON map, or - for standard input")
    .option("--shadow", "also draw the shadow trees of device classes")
    .action(async (path: string, options: { shadow?: true }) => {
      await writeLines(drawTree(await readMap(path), options.shadow === true));
    });
}

interface Row {
  readonly id: string;
  readonly tree: string;
  readonly type: string;
  readonly weight: string;
  readonly share: string;
}

/** The drawing, line by line: tree, id, type and class, weight, share of the root. */
export function* drawTree(map: CrushMap, shadows: boolean): Generator<string> {
  const rows: Row[] = [];
  for (const root of rootsOf(map)) {
    if (!shadows && root.shadow !== undefined) continue;
    rows.push(...rowsBelow(map, root, "", "", bucketWeight(root), bucketWeight(root)));
  }
  const widest = (of: (row: Row) => string, title: string) =>
    Math.max(title.length, ...rows.map((row) => of(row).length));
  const tree = widest((row) => row.tree, "NAME");
  const id = widest((row) => row.id, "ID");
  const type = widest((row) => row.type, "TYPE");
  const weight = widest((row) => row.weight, "WEIGHT");
  const line = (row: Row) =>
    `${row.tree.padEnd(tree)}  ${row.id.padStart(id)}  ${row.type.padEnd(type)}  ` +
    `${row.weight.padStart(weight)}  ${row.share.padStart(6)}`;
  yield line({ tree: "NAME", id: "ID", type: "TYPE", weight: "WEIGHT", share: "SHARE" });
  for (const row of rows) yield line(row);
}

function rootsOf(map: CrushMap): Bucket[] {
  const inner = new Set(
    [...map.buckets.values()].flatMap(({ items }) => items.map(({ id }) => id)),
  );
  return [...map.buckets.values()]
    .filter((bucket) => !inner.has(bucket.id))
    .sort((a, b) => b.id - a.id);
}

function* rowsBelow(
  map: CrushMap,
  bucket: Bucket,
  ownBranch: string,
  branch: string,
  weight: number,
  whole: number,
): Generator<Row> {
  const type = `${map.types.get(bucket.type) ?? bucket.type}`;
  const algorithm = bucket.algorithm === "straw2" ? "" : ` (${bucket.algorithm})`;
  yield row(ownBranch + bucket.name, bucket.id, type + algorithm, weight, whole);
  for (const [i, item] of bucket.items.entries()) {
    const last = i === bucket.items.length - 1;
    const own = `${branch}${last ? "└─ " : "├─ "}`;
    const child = map.buckets.get(item.id);
    if (child !== undefined)
      yield* rowsBelow(map, child, own, `${branch}${last ? "   " : "│  "}`, item.weight, whole);
    else {
      const device = map.devices.find(({ id }) => id === item.id);
      const name = device?.name ?? `device${item.id}`;
      const kind = map.types.get(0) ?? "device";
      const type = device?.class === undefined ? kind : `${kind} ${device.class}`;
      yield row(own + name, item.id, type, item.weight, whole);
    }
  }
}

function row(tree: string, id: number, type: string, weight: number, whole: number): Row {
  const share = whole === 0 ? "–" : `${((100 * weight) / whole).toFixed(1)} %`;
  return { tree, id: String(id), type, weight: (weight / WEIGHT_ONE).toFixed(3), share };
}
