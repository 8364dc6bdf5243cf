/**
 * kill -9 while it works: a mixed load, seeded; SIGKILL of all its processes at a random moment;
 * start; every acknowledged object must be there with the right bytes, nothing half-written listed.
 *
 *   npm run faults -- kill --rounds 200 --seed 1
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { type Random, seededRandom } from "../../base/random.ts";
import { freePort, type ServerProcess, startServer } from "../server-process.ts";
import { contentOf, KillModel, type State, sha256 } from "./kill-model.ts";
import { UsersLoad } from "./kill-users.ts";
import { VersionsLoad } from "./kill-versions.ts";

const BUCKET = "kill";
const CLIENTS = 8;
const KEYS_PER_CLIENT = 40;

export interface KillCounts {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly objects: number;
  readonly slowestStartMs: number;
  readonly complaints: readonly string[];
}

export async function kill(options: {
  readonly rounds: number;
  readonly seed: number;
  readonly serveArgs?: readonly string[];
  readonly say?: (line: string) => void;
}): Promise<KillCounts> {
  const random = seededRandom(options.seed);
  const model = new KillModel();
  const versions = new KillModel();
  const users = new KillModel();
  const models = [model, versions, users];
  const loads: Loads = { model, versions: new VersionsLoad(versions), users: new UsersLoad(users) };
  const sum = (count: (one: KillModel) => number) =>
    models.reduce((total, one) => total + count(one), 0);
  const data = await mkdtemp(join(tmpdir(), "quarry-kill-"));
  const port = await freePort();
  const serve = () =>
    startServer({ data, port, ...(options.serveArgs && { args: options.serveArgs }) });
  let slowestStartMs = 0;
  try {
    for (let round = 0; round <= options.rounds; round++) {
      await using server = await serve();
      slowestStartMs = Math.max(slowestStartMs, server.startMs);
      if (round === 0) await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      // Each round reads back a sample, the last one everything.
      const share = round === options.rounds ? 1 : 0.3;
      await verify(server.client, model, random, share);
      await loads.versions.verify(server.client, random, share);
      await loads.users.verify(server.endpoint);
      if (round === options.rounds || sum((one) => one.complaints.length) > 0) break;
      await loads.versions.begin(server.client, random, round === 0);
      const killing = new AbortController();
      const load = runLoad(server, loads, random, killing.signal);
      await sleep(100 + (random.u32() % 900));
      killing.abort();
      await server.kill();
      await load;
      options.say?.(
        `round ${round + 1}: ${sum((one) => one.acknowledged)} acknowledged, ready in ${Math.round(server.startMs)} ms`,
      );
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
  return {
    rounds: options.rounds,
    acknowledged: sum((one) => one.acknowledged),
    lost: sum((one) => one.lost),
    wrong: sum((one) => one.wrong),
    violations: sum((one) => one.complaints.length),
    objects: sum((one) => one.keys().length),
    slowestStartMs: Math.round(slowestStartMs),
    complaints: models.flatMap((one) => one.complaints).slice(0, 10),
  };
}

async function verify(
  client: S3Client,
  model: KillModel,
  random: Random,
  share: number,
): Promise<void> {
  for (const key of model.keys())
    if ((random.u32() % 1000) / 1000 < share) model.observe(key, await read(client, key));
  model.compareListing(await listed(client));
}

async function read(client: S3Client, key: string): Promise<State> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return sha256((await Body?.transformToByteArray()) ?? new Uint8Array());
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}

async function listed(client: S3Client): Promise<Set<string>> {
  const keys = new Set<string>();
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: BUCKET,
        MaxKeys: 100,
        ...(token && { ContinuationToken: token }),
      }),
    );
    for (const { Key } of page.Contents ?? []) keys.add(Key ?? "");
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys;
}

interface Loads {
  /** Of plain objects. */
  readonly model: KillModel;
  readonly versions: VersionsLoad;
  readonly users: UsersLoad;
}

async function runLoad(
  { client, endpoint }: ServerProcess,
  { model, versions, users }: Loads,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  let version = random.u32() >>> 1;
  const one = async (index: number) => {
    const chance = seededRandom(random.u32());
    while (!signal.aborted) {
      const key = `client-${index}/${chance.u32() % KEYS_PER_CLIENT}`;
      const draw = chance.u32() % 100;
      try {
        if (draw < 25) await versions.step(client, index, chance);
        else if (draw < 30) await users.step(endpoint, index, chance);
        else if (draw < 40) await copy(client, model, chance, index, key);
        else await operate(client, model, chance, key, version++);
      } catch (error) {
        // After the kill every operation fails; before it none may.
        if (!signal.aborted) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => one(index)));
}

/** One of the client's keys gets the content of another; what that has was read before. */
async function copy(
  client: S3Client,
  model: KillModel,
  chance: Random,
  index: number,
  to: string,
): Promise<void> {
  const from = `client-${index}/${chance.u32() % KEYS_PER_CLIENT}`;
  const source = await read(client, from);
  model.observe(from, source);
  if (source === undefined || from === to) return;
  model.begin(to, source);
  const CopySource = `${BUCKET}/${from}`;
  await client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: to, CopySource }));
  model.acknowledge(to, source);
}

async function operate(
  client: S3Client,
  model: KillModel,
  chance: Random,
  key: string,
  version: number,
): Promise<void> {
  const draw = chance.u32() % 100;
  if (draw < 15) {
    model.begin(key, undefined);
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
    model.acknowledge(key, undefined);
  } else if (draw < 35) {
    model.observe(key, await read(client, key));
  } else if (draw < 38) {
    await listed(client);
  } else {
    const content = contentOf(key, version, sizeOf(chance));
    const outcome = sha256(content);
    model.begin(key, outcome);
    if (draw < 41) await putInParts(client, key, content, chance);
    else await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: content }));
    model.acknowledge(key, outcome);
  }
}

/** Mostly small, some around the borders of spans and chunks, a few of several chunks. */
function sizeOf(chance: Random): number {
  const draw = chance.u32() % 100;
  if (draw < 5) return 0;
  if (draw < 75) return chance.u32() % 20_000;
  if (draw < 90) return 65_536 * (1 + (chance.u32() % 4)) + (chance.u32() % 3) - 1;
  if (draw < 97) return chance.u32() % 1_500_000;
  return 4_194_304 * (1 + (chance.u32() % 2)) + (chance.u32() % 3) - 1;
}

async function putInParts(
  client: S3Client,
  key: string,
  content: Buffer,
  chance: Random,
): Promise<void> {
  const target = { Bucket: BUCKET, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const { ETag } = await client.send(
    new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: content }),
  );
  // An upload that is given up must leave nothing; then a plain PUT writes the content.
  if (chance.u32() % 4 === 0) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    await client.send(new PutObjectCommand({ ...target, Body: content }));
    return;
  }
  const Parts = [{ PartNumber: 1, ETag }];
  await client.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
  );
}
