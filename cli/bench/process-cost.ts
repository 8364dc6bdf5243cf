/** What a server costs, as Linux's /proc tells: CPU time and memory of processes and all below them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** USER_HZ: fixed at 100 for programs on Linux. */
const TICK_MS = 10;
/** Sets a process's highest resident memory back to what it has now. */
const CLEAR_PEAK = "5";

/** Processes (with all below them) by what they do: `gateway`, `leader`; none where they are not known. */
export type Roles = Readonly<Record<string, readonly number[]>>;

interface Stat {
  readonly parent: number;
  /** User and system time. */
  readonly cpuMs: number;
  /** … of children that have ended. */
  readonly endedMs: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // the name in parentheses may hold anything; fields are counted behind it
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ms = (at: number) => Number(fields[at]) * TICK_MS;
    return { parent: Number(fields[1]), cpuMs: ms(11) + ms(12), endedMs: ms(13) + ms(14) };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

/** The processes `roots` and all below them. */
export function processTree(...roots: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) parents.set(Number(name), stat.parent);
  }
  const tree = new Set(roots);
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

/** … of whole trees, also of those in them that have ended. */
export function treeCpuMs(...roots: readonly number[]): number {
  return processTree(...roots).reduce((sum, pid) => {
    const stat = statOf(pid);
    return sum + (stat === undefined ? 0 : stat.cpuMs + stat.endedMs);
  }, 0);
}

/** Lets {@link treePeakBytes} count from now on. Whether all processes allowed it: others' need root. */
export function resetPeaks(...roots: readonly number[]): boolean {
  return processTree(...roots)
    .map((pid) => {
      try {
        writeFileSync(`/proc/${pid}/clear_refs`, CLEAR_PEAK);
        return true;
      } catch {
        return false; // not ours, or ended: the caller tells of it
      }
    })
    .every((done) => done);
}

/** Highest resident memory of each process of the trees, bytes, largest first. Shared pages count in each. */
export function treePeakBytes(...roots: readonly number[]): number[] {
  return processTree(...roots)
    .flatMap((pid) => {
      try {
        const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
        return match === null ? [] : [Number(match[1]) * 1024];
      } catch {
        return []; // it has ended meanwhile
      }
    })
    .sort((a, b) => b - a);
}
