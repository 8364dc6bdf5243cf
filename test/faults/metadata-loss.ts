/**
 * A store that loses its metadata: written to, killed with -9, its nameserver's folder deleted whole,
 * rescued from its blocks, served again. What was there before the window of the last copy must be
 * there again, byte for byte; and the check of the store must find nothing wrong.
 *
 *   npm run faults -- metadata-loss --rounds 3 --seed 1
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { type Random, seededRandom } from "../../base/random.ts";
import { freePort, rootKeys, startServer } from "../server-process.ts";
import { contentOf, sha256 } from "./kill-model.ts";

const PLAIN = "plain";
const VERSIONED = "versioned";
const CLIENTS = 8;
const LOG_SECONDS = 1;
/** The log is written every second, and the worker that does it looks every second. */
const WINDOW_MS = (LOG_SECONDS + 4) * 1000;
const LATE_MS = 500;

export interface LossCounts {
  readonly rounds: number;
  readonly acknowledged: number;
  lost: number;
  wrong: number;
  violations: number;
  /** Written within the window before the kill, and how many of them came back. */
  late: number;
  lateFound: number;
  slowestRescueMs: number;
  readonly complaints: string[];
}

interface Expected {
  readonly bucket: string;
  readonly key: string;
  readonly version?: string;
  /** Undefined: it was deleted. */
  readonly sha256: string | undefined;
  readonly tag?: string;
}

export async function metadataLoss(options: {
  readonly rounds: number;
  readonly seed: number;
  readonly objects: number;
  readonly say?: (line: string) => void;
}): Promise<LossCounts> {
  const random = seededRandom(options.seed);
  const data = await mkdtemp(join(tmpdir(), "quarry-loss-"));
  const port = await freePort();
  const args = ["--metadata-log", String(LOG_SECONDS), "--metadata-snapshot", "1"];
  const expected = new Map<string, Expected>();
  const counts: LossCounts = {
    ...{ rounds: options.rounds, acknowledged: 0, lost: 0, wrong: 0, violations: 0 },
    ...{ late: 0, lateFound: 0, slowestRescueMs: 0, complaints: [] },
  };
  let acknowledged = 0;
  try {
    for (let round = 0; round <= options.rounds; round++) {
      await using server = await startServer({ data, port, args });
      if (round === 0) await makeBuckets(server.client);
      await verify(server.client, expected, counts);
      if (round === options.rounds) {
        await server.stop();
        await check(data, counts);
        break;
      }
      acknowledged += await write(server.client, random, round, options.objects, expected);
      await backUp(server.endpoint, join(data, "metadata.backup"), counts);
      await sleep(WINDOW_MS);
      const late = new Map<string, Expected>();
      const load = write(server.client, random, round + 1000, 1_000_000, late).catch(() => 0);
      await sleep(LATE_MS);
      await server.kill();
      await load;
      await rm(join(data, "nameserver"), { recursive: true });
      const begunMs = performance.now();
      await rescued(data, counts);
      counts.slowestRescueMs = Math.max(counts.slowestRescueMs, performance.now() - begunMs);
      await using again = await startServer({ data, port, args });
      await countLate(again.client, late, counts);
      await again.stop();
      options.say?.(`round ${round + 1}: ${acknowledged} acknowledged, ${counts.lost} lost`);
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
  counts.violations = counts.complaints.length;
  return { ...counts, acknowledged };
}

async function makeBuckets(client: S3Client): Promise<void> {
  for (const Bucket of [PLAIN, VERSIONED]) await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketVersioningCommand({
      Bucket: VERSIONED,
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );
}

async function write(
  client: S3Client,
  random: Random,
  round: number,
  objects: number,
  expected: Map<string, Expected>,
): Promise<number> {
  let next = 0;
  const note = (one: Expected) => {
    expected.set(`${one.bucket}/${one.key}/${one.version ?? ""}`, one);
  };
  const work = async () => {
    while (next < objects) {
      const i = next++;
      const chance = seededRandom(random.u32());
      for (const one of await writeOne(client, chance, `r${round}/${i}`)) note(one);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  return objects;
}

/** One object of some kind, and what must be found of it. */
async function writeOne(client: S3Client, chance: Random, key: string): Promise<Expected[]> {
  const draw = chance.u32() % 100;
  const content = contentOf(key, draw, draw < 3 ? 5_300_000 : chance.u32() % 20_000);
  const sum = sha256(content);
  const plain = { Bucket: PLAIN, Key: key };
  if (draw < 3) {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(plain));
    const cut = 5 * 1024 * 1024;
    const Parts = [];
    for (const [i, Body] of [content.subarray(0, cut), content.subarray(cut)].entries()) {
      const part = { ...plain, UploadId, PartNumber: i + 1, Body };
      const { ETag } = await client.send(new UploadPartCommand(part));
      Parts.push({ PartNumber: i + 1, ETag });
    }
    const done = { ...plain, UploadId, MultipartUpload: { Parts } };
    await client.send(new CompleteMultipartUploadCommand(done));
    return [{ bucket: PLAIN, key, sha256: sum }];
  }
  if (draw < 30) {
    const found: Expected[] = [];
    const versioned = { Bucket: VERSIONED, Key: key };
    for (const body of [content, Buffer.concat([content, content])]) {
      const { VersionId } = await client.send(new PutObjectCommand({ ...versioned, Body: body }));
      found.push({ bucket: VERSIONED, key, version: VersionId ?? "", sha256: sha256(body) });
    }
    if (draw < 10) await client.send(new DeleteObjectCommand(versioned));
    return found;
  }
  const tag = draw < 50 ? `t${chance.u32()}` : undefined;
  await client.send(
    new PutObjectCommand({ ...plain, Body: content, ...(tag && { Tagging: `tag=${tag}` }) }),
  );
  if (draw >= 50 && draw < 60) {
    await client.send(new DeleteObjectCommand(plain));
    return [{ bucket: PLAIN, key, sha256: undefined }];
  }
  const found = [{ bucket: PLAIN, key, sha256: sum, ...(tag && { tag }) }];
  if (draw < 90) return found;
  const copy = { Bucket: PLAIN, Key: `${key}-copy`, CopySource: `${PLAIN}/${key}` };
  await client.send(new CopyObjectCommand(copy));
  return [...found, { bucket: PLAIN, key: `${key}-copy`, sha256: sum }];
}

async function verify(
  client: S3Client,
  expected: ReadonlyMap<string, Expected>,
  counts: LossCounts,
): Promise<void> {
  const all = [...expected.values()];
  const work = async () => {
    for (let one = all.pop(); one !== undefined; one = all.pop()) {
      const found = await sumOf(client, one);
      if (found === one.sha256 && (await tagOf(client, one)) === one.tag) continue;
      if (found === undefined) counts.lost++;
      else counts.wrong++;
      counts.complaints.push(`${one.bucket}/${one.key} ${one.version ?? ""} is not what it was`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
}

async function countLate(
  client: S3Client,
  late: ReadonlyMap<string, Expected>,
  counts: LossCounts,
): Promise<void> {
  for (const one of late.values()) {
    const found = await sumOf(client, one);
    counts.late++;
    if (found === one.sha256) counts.lateFound++;
    // An object whose deletion was too late for the copy is there again.
    else if (found !== undefined && one.sha256 !== undefined) counts.wrong++;
  }
}

async function sumOf(client: S3Client, one: Expected): Promise<string | undefined> {
  const { bucket: Bucket, key: Key, version: VersionId } = one;
  try {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket, Key, ...(VersionId !== undefined && { VersionId }) }),
    );
    return sha256((await Body?.transformToByteArray()) ?? new Uint8Array());
  } catch (error) {
    if (/^NoSuch|NotFound/.test((error as Error).name)) return undefined;
    throw error;
  }
}

async function tagOf(client: S3Client, one: Expected): Promise<string | undefined> {
  if (one.tag === undefined) return undefined;
  const named = { Bucket: one.bucket, Key: one.key };
  const { TagSet } = await client.send(new GetObjectTaggingCommand(named));
  return TagSet?.[0]?.Value;
}

const bin = resolve(import.meta.dirname, "..", "..", "cli", "bin.mjs");

function quarry(...args: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [bin, ...args], { maxBuffer: 1 << 26 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out: out + err });
    });
  });
}

/** The other way back: at least it must be whole. */
async function backUp(endpoint: string, file: string, counts: LossCounts): Promise<void> {
  const { accessKeyId, secretAccessKey } = rootKeys;
  const keys = ["--access-key", accessKeyId, "--secret-key", secretAccessKey];
  const taken = await quarry("admin", "backup", file, "--endpoint", endpoint, "--json", ...keys);
  const verified = await quarry("backup", "verify", file, "--json");
  for (const { code, out } of [taken, verified])
    if (code !== 0) counts.complaints.push(`a backup ended with ${code}: ${out.slice(0, 2000)}`);
}

async function rescued(data: string, counts: LossCounts): Promise<void> {
  const { code, out } = await quarry("rescue", "--devices", data, "--to", data, "--json");
  if (code !== 0) counts.complaints.push(`rescue ended with ${code}: ${out.slice(0, 2000)}`);
}

async function check(data: string, counts: LossCounts): Promise<void> {
  const { code, out } = await quarry("fsck", "--data", data, "--json");
  if (code !== 0) counts.complaints.push(`fsck ended with ${code}: ${out.slice(0, 2000)}`);
}
