/** One run of the whole: what was counted, simulated and measured, in one value. */
import { getHeapStatistics } from "node:v8";
import { type Conditions, runConditions } from "../../cli/bench/conditions.ts";
import { type Fill, fills, type Growth, growths } from "./fill.ts";
import { type GroupRate, groupRate } from "./group-rate.ts";
import { beginning, grow, type Healed, lose } from "./healing.ts";
import { type Load, loadOf } from "./load.ts";
import { type Opening, openings } from "./openings.ts";
import { type Pass, passes } from "./pass.ts";
import { type RowCosts, rowCosts } from "./rows.ts";
import { Scene } from "./scene.ts";
import { type Counted, counted, type Setting, shareOf } from "./setting.ts";
import { type StockCost, stockCost } from "./stock-costs.ts";
import { type Wall, walls } from "./walls.ts";

export interface Report {
  readonly conditions: Conditions;
  readonly setting: Setting;
  readonly counted: Counted;
  readonly share: number;
  readonly fills: readonly Fill[];
  readonly growths: readonly Growth[];
  readonly healed: readonly Healed[];
  /** A rack lost with half as many blocks: what it takes is in proportion. */
  readonly half: Healed;
  /** Until a nameserver that starts has heard every device, of the simulated blocks. */
  readonly beganSeconds: number;
  readonly stock: readonly StockCost[];
  readonly rows: RowCosts;
  readonly pass: Pass;
  readonly openings: readonly Opening[];
  readonly load: Load;
  readonly group?: GroupRate;
  readonly walls: readonly Wall[];
}

export interface ReportOptions {
  readonly setting: Setting;
  /** Names that are stored for the size of their rows. */
  readonly rows: number;
  /** Of load on a group of nameservers; 0: it is not measured. */
  readonly groupSeconds: number;
  readonly tell: (what: string) => void;
}

const STOCK_BLOCKS = 25_000;
const OPENING_BLOCKS = 500_000;

export async function reportOf({
  setting,
  rows,
  groupSeconds,
  tell,
}: ReportOptions): Promise<Report> {
  const all = counted(setting);
  const simulated = Math.min(setting.simulated, all.blocks);
  const scaled = { ...setting, simulated };
  tell("fill and growth");
  const even = { fills: await fills(scaled), growths: await growths(scaled) };
  tell("memory");
  const stockBlocks = Math.min(STOCK_BLOCKS, simulated);
  const stock = [1, 2].map((times) => stockCost(stockBlocks * times, 100, setting.scheme));
  tell(`rows of ${rows} objects`);
  const costs = await rowCosts(rows);
  tell("opening of blocks");
  const opened = await openings(scaled, [OPENING_BLOCKS / 2, OPENING_BLOCKS]);
  tell(`healing of ${simulated} blocks`);
  const healing = await healings(scaled, tell);
  tell(`the same of ${simulated >> 1} blocks`);
  const half = await halved({ ...scaled, simulated: simulated >> 1 });
  const group = groupSeconds > 0 ? await groupRate(groupSeconds) : undefined;
  const [, largest] = stock;
  if (largest === undefined) throw new TypeError("there are two of them");
  const measured = { stock: largest, rows: costs, pass: healing.pass };
  return {
    ...{ conditions: runConditions(), setting: scaled, counted: all, share: shareOf(scaled) },
    ...{ ...even, ...healing, half, stock, rows: costs, openings: opened, load: loadOf(setting) },
    ...(group && { group }),
    walls: walls(setting, { ...measured, heapBytes: getHeapStatistics().heap_size_limit }),
  };
}

async function healings(setting: Setting, tell: ReportOptions["tell"]) {
  await using scene = await Scene.open(setting);
  const beganSeconds = await beginning(scene);
  const pass = await passes(scene);
  const healed: Healed[] = [];
  const { device, host, rack } = victims(setting);
  for (const [what, numbers] of [
    ["device lost", device],
    ["host lost", host],
    ["rack lost", rack],
  ] as const) {
    tell(what);
    healed.push(await lose(scene, what, numbers));
    await scene.check();
  }
  tell("host added");
  healed.push(await grow(scene, "host added", [0]));
  await scene.check();
  return { healed, pass, beganSeconds };
}

async function halved(setting: Setting): Promise<Healed> {
  await using scene = await Scene.open(setting);
  await beginning(scene);
  const healed = await lose(scene, "rack lost", victims(setting).rack);
  await scene.check();
  return healed;
}

/** Numbers of devices: one, those of a host, and those of a rack, each from another rack. */
function victims({ devices, racks, hostDevices }: Setting) {
  const hosts = Math.ceil(devices / hostDevices);
  const rackOf = (device: number) => Math.floor((Math.floor(device / hostDevices) * racks) / hosts);
  const all = Array.from({ length: devices }, (_, device) => device);
  const inRack = (rack: number) => all.filter((device) => rackOf(device) === rack);
  return { device: inRack(1).slice(0, 1), host: inRack(2).slice(0, hostDevices), rack: inRack(3) };
}
