/**
 * Part of the load of `kill.ts`: versions, delete markers, tags, copies of versions and parts copied
 * from them, in a bucket whose versioning is enabled in some rounds and suspended in others. What is
 * known of a key is the list of its versions, newest first.
 */
import * as s3 from "@aws-sdk/client-s3";
import type { Random } from "../../base/random.ts";
import { contentOf, type KillModel, type State, sha256 } from "./kill-model.ts";

const Bucket = "kill-versions";
const KEYS_PER_CLIENT = 8;
const MOST_VERSIONS = 6;

interface Version {
  readonly id: string;
  readonly marker: boolean;
  /** Of the content. */
  readonly sha: string;
  readonly tag: string;
}

const stateOf = (versions: readonly Version[]): State =>
  versions.length === 0
    ? undefined
    : versions
        .map(({ id, marker, sha, tag }) =>
          [id === "null" ? "null" : "own", marker ? "marker" : sha.slice(0, 16), tag].join(":"),
        )
        .join(" ");

export class VersionsLoad {
  readonly #model: KillModel;
  #suspended = false;
  #version = 0;

  constructor(model: KillModel) {
    this.#model = model;
  }

  /** Before the load of a round. */
  async begin(client: s3.S3Client, random: Random, first: boolean): Promise<void> {
    if (first) await client.send(new s3.CreateBucketCommand({ Bucket }));
    this.#suspended = random.u32() % 3 === 0;
    const Status = this.#suspended ? "Suspended" : "Enabled";
    const VersioningConfiguration = { Status } as const;
    await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }

  async verify(client: s3.S3Client, random: Random, share: number): Promise<void> {
    for (const key of this.#model.keys())
      if ((random.u32() % 1000) / 1000 < share)
        this.#model.observe(key, stateOf(await this.#read(client, key)));
  }

  /** One change of one key. No other client changes it. */
  async step(client: s3.S3Client, index: number, chance: Random): Promise<void> {
    const Key = `client-${index}/${chance.u32() % KEYS_PER_CLIENT}`;
    const now = await this.#read(client, Key);
    this.#model.observe(Key, stateOf(now));
    const victim = now[chance.u32() % Math.max(1, now.length)];
    const draw = chance.u32() % 100;
    if (victim !== undefined && (now.length >= MOST_VERSIONS || draw < 15)) {
      const left = now.filter((one) => one !== victim);
      const named = { Bucket, Key, VersionId: victim.id };
      await this.#change(Key, left, () => client.send(new s3.DeleteObjectCommand(named)));
    } else if (draw < 30) {
      const marker = { marker: true, sha: "", tag: "" };
      await this.#change(Key, this.#placed(now, marker), () =>
        client.send(new s3.DeleteObjectCommand({ Bucket, Key })),
      );
    } else if (victim === undefined || victim.marker || draw < 55)
      await this.#put(client, Key, now, chance);
    else if (draw < 70) await this.#tag(client, Key, now, victim);
    else if (draw < 85) await this.#copy(client, Key, now, victim);
    else await this.#copyParts(client, Key, now, victim);
  }

  async #put(client: s3.S3Client, Key: string, now: readonly Version[], chance: Random) {
    const Body = contentOf(Key, ++this.#version, chance.u32() % 40_000);
    const placed = this.#placed(now, { marker: false, sha: sha256(Body), tag: "" });
    await this.#change(Key, placed, () =>
      client.send(new s3.PutObjectCommand({ Bucket, Key, Body })),
    );
  }

  async #tag(client: s3.S3Client, Key: string, now: readonly Version[], victim: Version) {
    const tag = String(++this.#version);
    const tagged = now.map((one) => (one === victim ? { ...one, tag } : one));
    const Tagging = { TagSet: [{ Key: "tag", Value: tag }] };
    const named = { Bucket, Key, VersionId: victim.id };
    await this.#change(Key, tagged, () =>
      client.send(new s3.PutObjectTaggingCommand({ ...named, Tagging })),
    );
  }

  /** A version becomes the latest once more; its tag comes with it. */
  async #copy(client: s3.S3Client, Key: string, now: readonly Version[], victim: Version) {
    const { sha, tag } = victim;
    await this.#change(Key, this.#placed(now, { marker: false, sha, tag }), () =>
      client.send(new s3.CopyObjectCommand({ Bucket, Key, CopySource: sourceOf(Key, victim) })),
    );
  }

  async #copyParts(client: s3.S3Client, Key: string, now: readonly Version[], victim: Version) {
    const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key }));
    const at = { Bucket, Key, UploadId };
    const copied = await client.send(
      new s3.UploadPartCopyCommand({ ...at, PartNumber: 1, CopySource: sourceOf(Key, victim) }),
    );
    const Parts = [{ PartNumber: 1, ETag: copied.CopyPartResult?.ETag }];
    const placed = this.#placed(now, { marker: false, sha: victim.sha, tag: "" });
    const MultipartUpload = { Parts };
    await this.#change(Key, placed, () =>
      client.send(new s3.CompleteMultipartUploadCommand({ ...at, MultipartUpload })),
    );
  }

  /** With a new latest version, which takes the place of the null version while that is wanted. */
  #placed(now: readonly Version[], latest: Omit<Version, "id">): Version[] {
    const kept = this.#suspended ? now.filter(({ id }) => id !== "null") : now;
    return [{ ...latest, id: this.#suspended ? "null" : "new" }, ...kept];
  }

  async #change(key: string, after: readonly Version[], run: () => Promise<unknown>) {
    this.#model.begin(key, stateOf(after));
    await run();
    this.#model.acknowledge(key, stateOf(after));
  }

  async #read(client: s3.S3Client, Key: string): Promise<Version[]> {
    const listed = await client.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    const rows = [
      ...(listed.Versions ?? []).map((one) => ({ ...one, marker: false })),
      ...(listed.DeleteMarkers ?? []).map((one) => ({ ...one, marker: true })),
    ];
    const versions: (Version & { readonly latest: boolean })[] = [];
    for (const { VersionId: id = "", marker, IsLatest: latest = false } of inOrder(rows))
      versions.push({ id, marker, latest, ...(await described(client, Key, id, marker)) });
    if (versions.some(({ latest }, i) => latest !== (i === 0)))
      throw new Error(`${Key}: not the newest version alone is the latest`);
    return versions;
  }
}

/** Ids grow along the log; where a null version stands among them only its time tells. */
function inOrder<Row extends s3.ObjectVersion | s3.DeleteMarkerEntry>(rows: readonly Row[]): Row[] {
  const own = rows.filter(({ VersionId }) => VersionId !== "null");
  own.sort((a, b) => ((a.VersionId ?? "") < (b.VersionId ?? "") ? 1 : -1));
  const [latest, ...more] = rows.filter(({ VersionId }) => VersionId === "null");
  if (more.length > 0) throw new Error("a key has several null versions");
  if (latest === undefined) return own;
  if (latest.IsLatest === true) return [latest, ...own];
  const time = ({ LastModified }: Row) => LastModified?.getTime() ?? 0;
  const at = own.findIndex((one) => time(one) < time(latest));
  return own.toSpliced(at < 0 ? own.length : at, 0, latest);
}

async function described(client: s3.S3Client, Key: string, id: string, marker: boolean) {
  if (marker) return { sha: "", tag: "" };
  const named = { Bucket, Key, VersionId: id };
  const { Body, TagCount } = await client.send(new s3.GetObjectCommand(named));
  const sha = sha256((await Body?.transformToByteArray()) ?? new Uint8Array());
  if (TagCount === undefined) return { sha, tag: "" };
  const { TagSet } = await client.send(new s3.GetObjectTaggingCommand(named));
  return { sha, tag: TagSet?.[0]?.Value ?? "" };
}

const sourceOf = (key: string, { id }: Version) => `${Bucket}/${key}?versionId=${id}`;
