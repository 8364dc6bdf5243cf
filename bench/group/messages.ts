/** What the bench's own processes tell each other over Node's channel between parent and child. */

/** Known to the bench alone, whose servers live on 127.0.0.1 while it runs. */
export const secret: Buffer = Buffer.alloc(32, 7);

/** How a member of the group is started. */
export interface MemberOrder {
  readonly directory: string;
  readonly node: number;
  /** The ports of all members on 127.0.0.1, by number. */
  readonly ports: Readonly<Record<number, number>>;
  readonly reads: "quorum" | "lease";
}

/** Since the start of the process. */
export interface MemberCounts {
  readonly isLeader: boolean;
  readonly cpuMicros: number;
  /** Of the thread that runs JavaScript; the rest is LevelDB, the disk, garbage and the compiler. */
  readonly threadMicros: number;
  /** The last index that it has applied. */
  readonly entries: number;
  /** Memory of its own; and pages of files that LevelDB maps, which the system takes back at will. */
  readonly rssBytes: number;
  readonly mappedBytes: number;
  /** Writes of the log that were followed by a sync. */
  readonly syncs: number;
  readonly logBytes: number;
  /** Longest time that the event loop stood still since the last counts, milliseconds. */
  readonly stallMs: number;
}

export interface LoadOrder {
  readonly ports: readonly number[];
  /** `filled`: look-ups of names that are there already, `list`: pages of them. */
  readonly work: "put" | "read" | "filled" | "list";
  /** How many are there already (fill.ts). */
  readonly filled?: number;
  readonly seconds: number;
  /** How many at once; with a rate, at most. */
  readonly lanes: number;
  /** Commands a second, started at their time whether others are answered or not; else as fast as it goes. */
  readonly rate?: number;
  /** Keys of this run begin with it. */
  readonly prefix: string;
}

export interface LoadCounts {
  readonly done: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export interface FillOrder {
  readonly directory: string;
  readonly objects: number;
  readonly voters: readonly number[];
}

export interface FillCounts {
  readonly seconds: number;
  /** For each object. */
  readonly cpuMicros: number;
  readonly peakRssBytes: number;
  readonly stallMs: number;
  readonly checkpointP50Ms: number;
  readonly checkpointMostMs: number;
}
