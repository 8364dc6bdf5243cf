/** The value of `--part-size`. */
import { InvalidArgumentError } from "commander";
import { limits } from "../../base/limits.ts";
import { parseSize } from "./printable.ts";

export function parsePartSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes < limits.partBytesMin || bytes > limits.putBytes)
    throw new InvalidArgumentError("Parts have from 5M to 5G.");
  return bytes;
}
