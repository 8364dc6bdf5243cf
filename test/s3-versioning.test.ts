/** Versions and delete markers as @aws-sdk/client-s3 sees them. */
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { refused, SdkSession } from "./sdk-session.ts";

let session: SdkSession;

beforeAll(async () => {
  session = await SdkSession.open();
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
});

interface Version {
  readonly key: string;
  readonly id: string;
  /** Absent: a delete marker. */
  readonly body?: string;
}

/** Versions of all names, each newest first: what S3 says, in a few lines. */
class Model {
  readonly names = new Map<string, Version[]>();
  mode: "off" | "Enabled" | "Suspended" = "off";

  add(key: string, version: Version): void {
    const kept = (this.names.get(key) ?? []).filter(
      ({ id }) => this.mode === "Enabled" || id !== "null",
    );
    this.names.set(key, [version, ...kept]);
  }

  remove(key: string, id: string): void {
    this.names.set(
      key,
      (this.names.get(key) ?? []).filter((version) => version.id !== id),
    );
  }

  all(): (Version & { readonly latest: boolean })[] {
    return [...this.names.keys()]
      .sort()
      .flatMap((key) => (this.names.get(key) ?? []).map((one, i) => ({ ...one, latest: i === 0 })));
  }
}

describe("versions", () => {
  test.each([1, 2])(
    "random puts, deletes and settings agree with a model (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const below = (n: number) => random.u32() % n;
      const Bucket = await session.newBucket();
      const model = new Model();
      for (let i = 0; i < 80; i++) {
        const key = ["a", "a/b", "b"][below(3)] ?? "a";
        const versions = model.names.get(key) ?? [];
        const kind = below(8);
        if (kind === 0) {
          const status = below(2) === 0 ? "Enabled" : "Suspended";
          await session.configure(Bucket, status);
          model.mode = status;
        } else if (kind < 4) {
          const body = `${seed} ${i}`;
          const { VersionId = "null" } = await session.put(Bucket, key, body);
          expect(VersionId === "null").toBe(model.mode !== "Enabled");
          model.add(key, { key, id: VersionId, body });
        } else if (kind < 6) {
          const { DeleteMarker, VersionId } = await session.remove(Bucket, key);
          expect(DeleteMarker).toBe(model.mode === "off" ? undefined : true);
          if (VersionId === undefined) model.remove(key, "null");
          else model.add(key, { key, id: VersionId });
        } else {
          const victim = versions[below(Math.max(1, versions.length))];
          const id = victim?.id ?? "null";
          const done = await session.remove(Bucket, key, { VersionId: id });
          expect([done.VersionId, done.DeleteMarker]).toEqual([
            id,
            victim !== undefined && victim.body === undefined ? true : undefined,
          ]);
          model.remove(key, id);
        }
        if (i % 8 === 0) await agree(Bucket, model, 1 + below(7));
      }
      await agree(Bucket, model, 1000);
    },
  );

  async function agree(Bucket: string, model: Model, MaxKeys: number): Promise<void> {
    const found: { id: unknown; key: unknown; latest: unknown; marker: boolean }[] = [];
    let markers: Partial<s3.ListObjectVersionsCommandInput> = {};
    for (let more = true; more; ) {
      const page = await session.versions(Bucket, { MaxKeys, ...markers });
      const rows = [
        ...(page.Versions ?? []).map((one) => ({ ...one, marker: false })),
        ...(page.DeleteMarkers ?? []).map((one) => ({ ...one, marker: true })),
      ];
      expect(rows.length).toBeLessThanOrEqual(MaxKeys);
      for (const { Key: key, VersionId: id, IsLatest: latest, marker } of rows)
        found.push({ key, id, latest, marker });
      more = page.IsTruncated === true;
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    const wanted = model.all();
    const text = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
    expect(text(found)).toEqual(
      text(
        wanted.map(({ key, id, latest, body }) => ({
          key,
          id,
          latest,
          marker: body === undefined,
        })),
      ),
    );
    for (const { key, id, body, latest } of wanted) {
      if (body === undefined) continue;
      expect((await session.read(Bucket, key, id)).body).toBe(body);
      if (latest) expect((await session.read(Bucket, key)).body).toBe(body);
    }
    const current = await session.client.send(new s3.ListObjectsV2Command({ Bucket }));
    expect((current.Contents ?? []).map(({ Key }) => Key).sort()).toEqual(
      wanted.filter(({ latest, body }) => latest && body !== undefined).map(({ key }) => key),
    );
  }

  test("a read of what a delete marker hides tells of it, and who may not list hears nothing", async () => {
    const Bucket = await session.newBucket("Enabled");
    await session.put(Bucket, "k", "x");
    const { VersionId: marker = "" } = await session.remove(Bucket, "k");
    for (const method of ["GET", "HEAD"]) {
      const hidden = await session.plain(method, `/${Bucket}/k`);
      expect(hidden.status).toBe(404);
      expect(hidden.headers.get("x-amz-delete-marker")).toBe("true");
      expect(hidden.headers.get("x-amz-version-id")).toBe(marker);
      const itself = await session.plain(method, `/${Bucket}/k?versionId=${marker}`);
      expect(itself.status).toBe(405);
      expect(itself.headers.get("allow")).toBe("DELETE");
      expect(itself.headers.get("x-amz-delete-marker")).toBe("true");
      expect(Date.parse(itself.headers.get("last-modified") ?? "")).toBeGreaterThan(0);
    }
    expect(
      (await session.plain("GET", `/${Bucket}/never`)).headers.get("x-amz-delete-marker"),
    ).toBe("false");
    await expect(session.read(Bucket, "k", "0000000000beef")).rejects.toMatchObject(
      refused("NoSuchVersion", 404),
    );
    await expect(session.read(Bucket, "k", "nonsense")).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    for (const Key of ["k", "never"])
      await expect(
        session.stranger.send(new s3.GetObjectCommand({ Bucket, Key })),
      ).rejects.toMatchObject(refused("AccessDenied", 403));
    for (const command of [
      new s3.ListObjectVersionsCommand({ Bucket }),
      new s3.PutBucketVersioningCommand({
        Bucket,
        VersioningConfiguration: { Status: "Suspended" },
      }),
      new s3.DeleteObjectCommand({ Bucket, Key: "k", VersionId: marker }),
    ])
      await expect(session.stranger.send(command as s3.DeleteObjectCommand)).rejects.toMatchObject(
        refused("AccessDenied", 403),
      );
  });

  test("a version is not written by its id", async () => {
    const Bucket = await session.newBucket("Enabled");
    const { VersionId } = await session.put(Bucket, "k", "x");
    const answer = await session.plain("PUT", `/${Bucket}/k?versionId=${VersionId}`);
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("InvalidArgument"),
    ]);
    expect((await session.read(Bucket, "k")).body).toBe("x");
  });

  test("the null version has its id where there may be others", async () => {
    const Bucket = await session.newBucket();
    await session.put(Bucket, "k", "old");
    expect((await session.read(Bucket, "k")).version).toBeUndefined();
    await session.configure(Bucket, "Enabled");
    const { VersionId } = await session.put(Bucket, "k", "new");
    expect(await session.read(Bucket, "k", "null")).toEqual({ body: "old", version: "null" });
    expect(await session.read(Bucket, "k")).toEqual({ body: "new", version: VersionId });
    await session.remove(Bucket, "k", { VersionId });
    expect(await session.read(Bucket, "k")).toEqual({ body: "old", version: "null" });
  });

  test("a bucket of which only a delete marker is left is not empty, and its uploads stay", async () => {
    const Bucket = await session.newBucket("Enabled");
    await session.client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: "upload" }));
    const { VersionId } = await session.remove(Bucket, "k");
    const drop = () => session.client.send(new s3.DeleteBucketCommand({ Bucket }));
    await expect(drop()).rejects.toMatchObject(refused("BucketNotEmpty", 409));
    const { Uploads } = await session.client.send(new s3.ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads?.length).toBe(1);
    await session.remove(Bucket, "k", { VersionId });
    await drop();
  });

  test("versioning cannot be what it is not", async () => {
    const Bucket = await session.newBucket();
    const set = (VersioningConfiguration: s3.VersioningConfiguration) =>
      session.client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await expect(set({})).rejects.toMatchObject(
      refused("IllegalVersioningConfigurationException", 400),
    );
    await expect(set({ Status: "Off" as "Enabled" })).rejects.toMatchObject(
      refused("MalformedXML", 400),
    );
    await expect(set({ Status: "Enabled", MFADelete: "Enabled" })).rejects.toMatchObject(
      refused("NotImplemented", 501),
    );
    expect(
      await session.client.send(new s3.GetBucketVersioningCommand({ Bucket })),
    ).not.toHaveProperty("Status");
    await set({ Status: "Enabled", MFADelete: "Disabled" });
    expect((await session.client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status).toBe(
      "Enabled",
    );
  });
});

describe("listing of versions", () => {
  test("parameters", async () => {
    const Bucket = await session.newBucket("Enabled");
    for (const Key of ["a", "b/1", "b/2", "c\u0001 +é"]) await session.put(Bucket, Key, "x");
    await session.remove(Bucket, "b/2");
    const rolled = await session.versions(Bucket, { Delimiter: "/" });
    expect(rolled.CommonPrefixes).toEqual([{ Prefix: "b/" }]);
    expect(rolled.Versions?.map(({ Key }) => Key)).toEqual(["a", "c\u0001 +é"]);
    expect(rolled.DeleteMarkers).toBeUndefined();
    const first = await session.versions(Bucket, { Delimiter: "/", MaxKeys: 2 });
    expect(first).toMatchObject({ IsTruncated: true, NextKeyMarker: "b/" });
    const { NextKeyMarker: KeyMarker } = first;
    expect((await session.versions(Bucket, { Delimiter: "/", KeyMarker })).Versions?.length).toBe(
      1,
    );
    expect(await session.versions(Bucket, { MaxKeys: 0 })).toMatchObject({
      IsTruncated: false,
      MaxKeys: 0,
    });
    const encoded = await session.versions(Bucket, { Prefix: "c", EncodingType: "url" });
    expect(encoded.Versions?.[0]).toMatchObject({
      Key: "c%01%20%2B%C3%A9",
      IsLatest: true,
      Size: 1,
      StorageClass: "STANDARD",
      ChecksumAlgorithm: ["CRC32"],
      Owner: { ID: "user-1", DisplayName: "Tester" },
    });
    const behind = await session.versions(Bucket, { Prefix: "b/", KeyMarker: "b/1" });
    expect([behind.Versions?.length, behind.DeleteMarkers?.length]).toEqual([1, 1]);
    expect(behind.DeleteMarkers?.[0]).toMatchObject({ Key: "b/2", IsLatest: true });
    await expect(session.versions(Bucket, { VersionIdMarker: "null" })).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    await expect(session.versions(Bucket, { MaxKeys: -1 })).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    await expect(
      session.versions(Bucket, { KeyMarker: "a", VersionIdMarker: "?" }),
    ).rejects.toMatchObject(refused("InvalidArgument", 400));
  });
});
