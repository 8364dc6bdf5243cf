/** Sizes as names of workloads have them: 1k, 64m. */
import { QuarryError } from "../../base/errors.ts";

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes. */
export function parseSize(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,12})([kmg]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * (units[unit] ?? 0);
  if (digits === "" || bytes === 0)
    throw new QuarryError("InvalidArgument", `${text} is no size; one is 4k, 64m, 1g or 1000`);
  return bytes;
}
