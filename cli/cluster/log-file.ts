/** What a member prints goes to a file, so that it can go on printing when nobody listens any more. */
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { limits } from "../../base/limits.ts";

const TAIL_BYTES = 4096;

/** A descriptor to append with, for as long as it is used. */
export function openLog(path: string): { readonly descriptor: number } & Disposable {
  if (existsSync(path) && statSync(path).size > limits.memberLogBytes)
    renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

/** The last line that is there; empty when there is none. */
export function lastLine(path: string): string {
  if (!existsSync(path)) return "";
  const descriptor = openSync(path, "r");
  try {
    const from = Math.max(0, statSync(path).size - TAIL_BYTES);
    const tail = Buffer.alloc(TAIL_BYTES);
    const got = readSync(descriptor, tail, 0, TAIL_BYTES, from);
    return tail.toString("utf8", 0, got).trimEnd().split("\n").at(-1) ?? "";
  } finally {
    closeSync(descriptor);
  }
}
