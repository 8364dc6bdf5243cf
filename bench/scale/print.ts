/** The report for people. */
import console from "node:console";
import { limits } from "../../base/limits.ts";
import type { Healed } from "./healing.ts";
import type { Report } from "./report.ts";
import { resourceKinds } from "./work.ts";

const number = (value: number, digits = 0) =>
  value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
const percent = (share: number, digits = 1) => `${(share * 100).toFixed(digits)} %`;
const GIB = 2 ** 30;

function time(seconds: number): string {
  if (seconds < 600) return `${seconds.toFixed(0)} s`;
  if (seconds < 36_000) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}

export function print(report: Report): void {
  const { setting, counted: all, share, conditions } = report;
  console.log(JSON.stringify(conditions));
  const { k, m } = setting.scheme;
  console.log(
    `${number(setting.objects)} objects of ${number(setting.objectBytes)} bytes, ${k}+${m} ${setting.packing}, on ${setting.devices} devices (${setting.disk.name}) in ${setting.racks} racks:`,
  );
  console.log(
    `  ${number(all.blocks)} blocks of ${number(all.objectsPerBlock)} objects, ${number(all.pieces)} pieces of ${number(all.pieceBytes / 2 ** 20, 1)} MiB, ${number(all.deviceBytes / GIB)} GiB a device`,
  );
  console.log(`  simulated one by one: ${number(setting.simulated)} blocks, ${percent(share, 3)}`);
  printFill(report);
  console.log("\nhealing, scaled to all blocks (the device is out after 10 minutes, beside this):");
  for (const one of report.healed) printHealed(one);
  const rack = report.healed.find(({ what }) => what === report.half.what);
  if (rack !== undefined)
    console.log(
      `  ${rack.what} with ${number(setting.simulated)} and ${number(setting.simulated >> 1)} blocks: ${rack.workedSeconds.toFixed(0)} s and ${report.half.workedSeconds.toFixed(0)} s, ${(rack.workedSeconds / rack.made / (report.half.workedSeconds / report.half.made)).toFixed(2)} times as long for each`,
    );
  printNameserver(report);
  console.log("\nwalls, the first first:");
  for (const { what, objects, whole } of report.walls)
    console.log(`  ${number(objects / 1e9, 2)} billion objects: ${what}. With all: ${whole}`);
}

function printFill({ fills, growths }: Report): void {
  console.log("\nfill of devices, of the mean:");
  for (const { pgNum, min, max, deviation, usable } of fills)
    console.log(
      `  ${number(pgNum)} placement groups: ${min.toFixed(2)} to ${max.toFixed(2)}, deviation ${percent(deviation)}; the first is full when ${percent(usable)} is used`,
    );
  for (const { what, moved, ideal } of growths)
    console.log(
      `  ${what}: ${percent(moved, 2)} of all pieces move, ${(moved / ideal).toFixed(2)} times what the newcomers shall hold`,
    );
}

function printHealed({ what, whole, atOnce, limit, use, made, cpuMicros }: Healed): void {
  const busy = resourceKinds.map((kind) => `${kind} ${percent(use[kind].mean)}`).join(", ");
  console.log(
    `  ${what}: ${number(whole.members)} members (${number(whole.movedBytes / GIB)} GiB) in ${time(whole.workedSeconds)}, ${atOnce.toFixed(1)} at once; limit: ${limit}; the busiest kind alone: ${time(whole.leastSeconds)}`,
  );
  console.log(
    `    busy: ${busy}; simulated: ${number(made)} members, ${number(cpuMicros)} µs CPU each`,
  );
}

function printNameserver(report: Report): void {
  const { stock, rows, pass, counted: all, openings, load, group, beganSeconds } = report;
  console.log("\na nameserver:");
  for (const { pieces, bytesPerPiece, hearMicros } of stock)
    console.log(
      `  stock of ${number(pieces)} pieces: ${number(bytesPerPiece)} bytes and ${hearMicros.toFixed(1)} µs to hear each; all: ${number((bytesPerPiece * all.pieces) / GIB, 1)} GiB, ${time((hearMicros * all.pieces) / 1e6)}`,
    );
  console.log(
    `  a start hears ${limits.stockPulls} devices a second: ${beganSeconds.toFixed(0)} s of the simulated ones`,
  );
  for (const { objects, bytesPerObject, applyMicros } of rows.objects)
    console.log(
      `  ${number(objects)} objects: ${number(bytesPerObject)} bytes each on disk, ${applyMicros.toFixed(0)} µs CPU to apply; all: ${number((bytesPerObject * report.setting.objects) / 1e12, 2)} TB`,
    );
  console.log(
    `  a look of the planner at all blocks: ${pass.allMicrosPerBlock.toFixed(1)} µs each, all: ${time((pass.allMicrosPerBlock * all.blocks) / 1e6)}; when a device goes ${((pass.flapMicrosPerBlock * all.blocks) / 1e6).toFixed(2)} s of CPU; a round without changes ${pass.idleMs.toFixed(1)} ms; a row in a walk ${rows.walkMicros.toFixed(1)} µs`,
  );
  for (const { blocks, chooseMs, idMs, idReads } of openings)
    console.log(
      `  opening a block among ${number(blocks)}: ${chooseMs.toFixed(1)} ms to choose, ${idMs.toFixed(1)} ms and ${idReads} reads for its id`,
    );
  console.log(
    `  a second: ${number(load.heartbeats)} heartbeats; at what the disks can write: ${number(load.putsOfDisks)} PUTs, ${number(load.opened, 1)} blocks opened, ${number(load.told)} pieces told; ${number(load.putsOfYear)} PUTs fill it in a year`,
  );
  if (group !== undefined)
    console.log(
      `  one group here: ${number(group.perSecond)} putObject/s, ${group.leaderThreadMicros.toFixed(0)} µs on the leader's thread: at most ${number(1e6 / group.leaderThreadMicros)}/s on a core of its own`,
    );
}
