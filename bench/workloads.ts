/** What the load does. Keys begin with the size of their object, so that the raw server knows it too. */

export interface Workload {
  readonly name: string;
  readonly method: "PUT" | "GET";
  readonly objectBytes: number;
  /** GET: how many objects are stored beforehand and read in turn. */
  readonly objects: number;
  readonly concurrency: number;
  /** The run ends after so many requests, whatever the time: it bounds the disk it takes. */
  readonly requests: number;
}

const small = { objectBytes: 4096, objects: 1024, concurrency: 32, requests: 1_000_000 };
const large = { objectBytes: 64 << 20, objects: 4, concurrency: 4, requests: 48 };

export const workloads: readonly Workload[] = [
  { name: "put-4k", method: "PUT", ...small },
  { name: "get-4k", method: "GET", ...small },
  { name: "put-64m", method: "PUT", ...large },
  { name: "get-64m", method: "GET", ...large, requests: 1000 },
];

export function workloadOf(name: string): Workload {
  const found = workloads.find((w) => w.name === name);
  if (found === undefined)
    throw new Error(`no workload ${name}: take one of ${workloads.map((w) => w.name).join(", ")}`);
  return found;
}

/** `/bucket/<size>/<run>/<number>` */
export function objectPath(bucket: string, objectBytes: number, run: string, n: number): string {
  return `/${bucket}/${objectBytes}/${run}/${n}`;
}

/** The size that a path names, for the raw server. */
export function sizeInPath(path: string): number {
  return Number(path.split("/")[2] ?? 0);
}
