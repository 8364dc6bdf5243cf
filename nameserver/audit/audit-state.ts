/**
 * Checks a whole state: every row against its checksum, all rows against the digest, and what rows say
 * of each other, each computed afresh: counts, references, queues, the order of versions.
 */
import { QuarryError } from "../../base/errors.ts";
import type { StateReader } from "../group/group.ts";
import { type Key, type Tag, tags } from "../keyspace.ts";
import { type Digest, decodeRow, moveDigest } from "../row-codec.ts";
import type * as rows from "../rows.ts";
import { isHeadKey } from "../state-machine.ts";
import type { Stored } from "../state-store.ts";
import { auditBlobs } from "./audit-blobs.ts";
import { auditCluster } from "./audit-cluster.ts";
import { auditSessions } from "./audit-sessions.ts";
import { BucketTally } from "./bucket-tally.ts";
import { ReferenceTally } from "./reference-tally.ts";
import { StreamTally } from "./stream-tally.ts";

export interface AuditResult {
  readonly rows: number;
  readonly buckets: number;
  /** Current objects, and noncurrent versions with delete markers. */
  readonly objects: number;
  readonly versions: number;
  readonly blobs: number;
  /** What is wrong. */
  readonly problems: number;
}

/** What one audit gathers. */
export interface Audit {
  readonly state: StateReader;
  readonly buckets: BucketTally;
  readonly references: ReferenceTally;
  readonly streams: StreamTally;
  problem(text: string): void;
}

const PAGE = 1_000;
const BEHIND_ALL: Key = "\xff\xff";
const nameOfTag = new Map(Object.entries(tags).map(([name, tag]) => [tag as string, name as Tag]));

export async function* rowsFrom(state: StateReader, from: Key, to: Key): AsyncGenerator<Stored> {
  await using cursor = state.range(from, to);
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    yield* page;
}

export async function auditState(
  state: StateReader,
  digest: Digest,
  onProblem: (text: string) => void,
): Promise<AuditResult> {
  let problems = 0;
  const problem = (text: string) => {
    problems++;
    onProblem(text);
  };
  const audit: Audit = {
    state,
    buckets: new BucketTally(state, problem),
    references: new ReferenceTally(problem),
    streams: new StreamTally(state, problem),
    problem,
  };
  let count = 0;
  let sum: Digest = { a: 0, b: 0 };
  for await (const { key, value } of rowsFrom(state, tags.meta, BEHIND_ALL)) {
    count++;
    if (!isHeadKey(key)) sum = moveDigest(sum, undefined, value);
    visit(audit, key, value);
  }
  if (sum.a !== digest.a || sum.b !== digest.b)
    problem("the digest of all rows is not the one that the state says it has: rows are missing");
  const blobs = await auditBlobs(audit);
  await auditSessions(audit);
  await auditCluster(audit);
  audit.buckets.check();
  audit.streams.check();
  const { objects, versions } = audit.buckets.sums();
  return { rows: count, buckets: audit.buckets.count, objects, versions, blobs, problems };
}

function visit(audit: Audit, key: Key, value: Buffer): void {
  let row: unknown;
  try {
    row = decodeRow(key, value);
  } catch (error) {
    if (!(error instanceof QuarryError)) throw error;
    audit.problem(error.message);
    return;
  }
  note(audit, key, row);
}

function note({ buckets, references, streams }: Audit, key: Key, row: unknown): void {
  switch (nameOfTag.get(key.charAt(0))) {
    case "bucket":
      buckets.bucket(key, row as rows.BucketRow);
      break;
    case "owned":
      buckets.owned();
      break;
    case "owner":
      buckets.owner(key, row as rows.OwnerRow);
      break;
    case "stream":
      streams.stream();
      break;
    case "current":
      buckets.current(key, row as rows.NameRow);
      streams.current(key, row as rows.NameRow);
      references.name(row as rows.NameRow);
      break;
    case "version":
      buckets.version(key, row as rows.NameRow);
      references.name(row as rows.NameRow);
      break;
    case "nullVersion":
      buckets.nullVersion(key);
      break;
    case "trash":
      references.trash(row as rows.TrashRow);
      break;
    case "upload":
      buckets.upload(key);
      break;
    case "part":
      buckets.part(key, row as rows.PartRow);
      references.part(row as rows.PartRow);
      break;
    case "contentPage":
      references.slices((row as rows.ContentPageRow).slices);
      break;
    case "metadataCopy":
      references.copy(row as Partial<rows.MetadataCopyRow>);
      break;
    case "collectQueue":
      references.collecting(key);
      break;
    case "dueQueue":
      references.due();
      break;
    default:
      break;
  }
}
