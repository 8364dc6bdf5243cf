/** What one run of the load says. */
export interface LoadResult {
  readonly workload: string;
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server's processes, when their root is given. */
  readonly serverCpuMicros?: number;
}
