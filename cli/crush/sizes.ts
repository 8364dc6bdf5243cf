/** Bytes and shares for people. */
import { QuarryError } from "../../base/errors.ts";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** Three significant digits with a binary unit. */
export function printBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = value >= 100 || unit === 0 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export const printShare = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** `10TiB`, `500 GB`, `1e12`: decimal and binary units. */
export function parseBytes(text: string): number {
  const found = /^([0-9.]+(?:e[0-9]+)?)\s*(?:([kmgtpe])(i?)b?|b)?$/i.exec(text.trim());
  const number = Number(found?.[1]);
  if (found === null || !Number.isFinite(number))
    throw new QuarryError("InvalidArgument", `${text} is no size; write 10TiB or 500GB`);
  const power = found[2] === undefined ? 0 : "kmgtpe".indexOf(found[2].toLowerCase()) + 1;
  return number * (found[3] === "" ? 1000 : 1024) ** power;
}
