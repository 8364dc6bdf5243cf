/** What processes cost, as Linux's /proc tells: CPU time and memory of a process and all below it. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: fixed at 100 for programs on Linux. */
const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // the name in parentheses may hold anything; fields are counted behind it
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return {
      parent: Number(fields[1]),
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

/** `pid` and all processes below it. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) parents.set(Number(name), stat.parent);
  }
  const tree = new Set([pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [child, parent] of parents)
      if (tree.has(parent) && !tree.has(child)) grown = tree.add(child).has(child);
  }
  return [...tree];
}

/** User and system time of one process, milliseconds; resolution 10 ms. */
export function cpuMsOf(pid: number): number {
  return statOf(pid)?.cpuMs ?? 0;
}

export function treeCpuMs(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + cpuMsOf(one), 0);
}

/** Highest resident memory that a process ever had, bytes; for each process of the tree. */
export function treePeakBytes(pid: number): { readonly pid: number; readonly peakBytes: number }[] {
  return processTree(pid).flatMap((one) => {
    try {
      const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one}/status`, "latin1"));
      return match === null ? [] : [{ pid: one, peakBytes: Number(match[1]) * 1024 }];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}
