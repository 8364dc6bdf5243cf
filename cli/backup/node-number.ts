/** The number of a nameserver, from the command line. */
import { InvalidArgumentError } from "commander";
import type { NodeId } from "../../base/ids.ts";

export function nodeNumber(text: string): NodeId {
  const value = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new InvalidArgumentError("It is a whole number from 1 on.");
  return value as NodeId;
}
