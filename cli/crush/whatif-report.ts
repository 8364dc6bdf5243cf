/** The answer of `whatif` as text and JSON. */
import { itemName } from "../../crush/dump.ts";
import { type CrushMap, WEIGHT_ONE } from "../../crush/map.ts";
import type { Movement, Situation } from "../../crush/movement.ts";
import { printBytes, printShare } from "./sizes.ts";

export interface WhatIf {
  /** In words, in the order in which they were made. */
  readonly changes: readonly string[];
  readonly before: Situation;
  readonly after: Situation;
  readonly movement: Movement;
  /** What all devices hold together before the change. */
  readonly dataBytes: number;
  readonly capacityBytes: { readonly before: number; readonly after: number };
}

export interface DeviceReport {
  readonly name: string;
  /** The bucket that the device stands in. */
  readonly host: string;
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly arrivingBytes: number;
  readonly leavingBytes: number;
  /** Part of its capacity that is used; undefined for a device that is not there. */
  readonly beforeFill: number | undefined;
  readonly afterFill: number | undefined;
}

export interface Summary {
  readonly movedBytes: number;
  readonly movedShare: number;
  readonly leastBytes: number;
  readonly leastShare: number;
  /** Replicas without a device, of those asked for. */
  readonly missingBefore: number;
  readonly missingAfter: number;
}

export function summary({ movement, before, after, dataBytes }: WhatIf): Summary {
  const movedShare = movement.placedBefore === 0 ? 0 : movement.moved / movement.placedBefore;
  return {
    movedBytes: movedShare * dataBytes,
    movedShare,
    leastBytes: movement.leastShare * dataBytes,
    leastShare: movement.leastShare,
    missingBefore: 1 - movement.placedBefore / (movement.inputs * before.replicas),
    missingAfter: 1 - movement.placedAfter / (movement.inputs * after.replicas),
  };
}

export function deviceReports(result: WhatIf): DeviceReport[] {
  const { before, after, movement, dataBytes } = result;
  const bytesEach = movement.placedBefore === 0 ? 0 : dataBytes / movement.placedBefore;
  const homes = { before: homesOf(before.map), after: homesOf(after.map) };
  return movement.devices.map(({ device, ...held }) => {
    const old = homes.before.get(device);
    const now = homes.after.get(device);
    const fill = (bytes: number, weight = 0) =>
      weight === 0 ? undefined : bytes / ((weight / WEIGHT_ONE) * 2 ** 40);
    const name = itemName(after.map, device) || itemName(before.map, device) || `device${device}`;
    return {
      name,
      host: now?.bucket ?? old?.bucket ?? "",
      beforeBytes: held.before * bytesEach,
      afterBytes: held.after * bytesEach,
      arrivingBytes: held.arriving * bytesEach,
      leavingBytes: held.leaving * bytesEach,
      beforeFill: fill(held.before * bytesEach, old?.weight),
      afterFill: fill(held.after * bytesEach, now?.weight),
    };
  });
}

function homesOf(map: CrushMap): Map<number, { bucket: string; weight: number }> {
  const homes = new Map<number, { bucket: string; weight: number }>();
  for (const bucket of map.buckets.values())
    if (bucket.shadow === undefined)
      for (const { id, weight } of bucket.items)
        if (id >= 0 && !homes.has(id)) homes.set(id, { bucket: bucket.name, weight });
  return homes;
}

export function whatifText(result: WhatIf): string[] {
  const { changes, before, after, movement, dataBytes } = result;
  const totals = summary(result);
  const devices = deviceReports(result);
  const excess =
    totals.leastBytes === 0
      ? ""
      : `  (${(totals.movedBytes / totals.leastBytes).toFixed(2)} times the least)`;
  const lines = [
    `rule ${before.rule.name ?? before.rule.id}, ${before.replicas} replicas, ${movement.inputs} placement groups, ${printBytes(dataBytes)} stored`,
    ...changes.map((change) => `change: ${change}`),
    "",
    `moves     ${printBytes(totals.movedBytes).padStart(10)}  ${printShare(totals.movedShare).padStart(8)}${excess}`,
    `at least  ${printBytes(totals.leastBytes).padStart(10)}  ${printShare(totals.leastShare).padStart(8)}`,
  ];
  if (totals.missingBefore > 0 || totals.missingAfter > 0)
    lines.push(
      `without a device: ${printShare(totals.missingBefore)} of the replicas before, ${printShare(totals.missingAfter)} after`,
    );
  if (after.replicas !== before.replicas) lines.push(`replicas: ${after.replicas}`);
  return [...lines, "", ...deviceTable(devices)];
}

function deviceTable(devices: readonly DeviceReport[]): string[] {
  const name = Math.max(6, ...devices.map((device) => device.name.length));
  const host = Math.max(4, ...devices.map((device) => device.host.length));
  const fill = (part: number | undefined) => (part === undefined ? "–" : printShare(part));
  const row = (cells: readonly [string, string, ...string[]]) =>
    [
      cells[0].padEnd(name),
      cells[1].padEnd(host),
      ...cells.slice(2).map((cell) => cell.padStart(9)),
    ]
      .join("  ")
      .trimEnd();
  return [
    row(["DEVICE", "HOST", "BEFORE", "FILL", "AFTER", "FILL", "IN", "OUT"]),
    ...devices.map((device) =>
      row([
        device.name,
        device.host,
        printBytes(device.beforeBytes),
        fill(device.beforeFill),
        printBytes(device.afterBytes),
        fill(device.afterFill),
        printBytes(device.arrivingBytes),
        printBytes(device.leavingBytes),
      ]),
    ),
  ];
}

export function whatifJson(result: WhatIf): string[] {
  const { changes, before, after, movement, dataBytes } = result;
  const json = {
    rule: before.rule.name ?? before.rule.id,
    replicas: { before: before.replicas, after: after.replicas },
    inputs: movement.inputs,
    dataBytes,
    capacityBytes: result.capacityBytes,
    changes,
    ...summary(result),
    devices: deviceReports(result),
  };
  return [JSON.stringify(json, null, 2)];
}
