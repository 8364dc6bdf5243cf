/** Ctrl-C during transfers: what cannot be resumed is removed, and the rest is explained. */
import { rmSync } from "node:fs";
import { exitCodes } from "../exit-code.ts";
import type { Report } from "./report.ts";

const underWay = new Set<string>();

/** A file that is of no use unless it is finished. */
export function partUnderWay(path: string): string {
  underWay.add(path);
  return path;
}

export function forgetUnderWay(path: string): void {
  underWay.delete(path);
}

export function tellInterruption(report: Report): Disposable {
  const end = () => {
    for (const path of underWay) rmSync(path, { force: true });
    report.warn("interrupted; the same command goes on with large files where they stopped");
    process.exit(exitCodes.interrupted);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, end);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, end);
    },
  };
}
