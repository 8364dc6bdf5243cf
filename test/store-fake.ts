/** A store in memory with the contract of `client/store.ts`, for tests of what stands above it. */
import { type Clock, systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { Body, Store } from "../client/store.ts";
import type { Command, CommandResult, WriteConditions } from "../rpc/commands.ts";
import type { NameService, ObjectInfo, UploadInfo } from "../rpc/name-service.ts";
import type { BucketInfo, ObjectAttributes, ObjectChecksum } from "../rpc/objects.ts";

interface FakeObject {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
}

interface FakePart {
  readonly etag: string;
  readonly bytes: Buffer;
  readonly modifiedMs: number;
  readonly checksum?: ObjectChecksum;
}

interface FakeUpload {
  readonly info: UploadInfo;
  readonly attributes: Omit<ObjectAttributes, "etag">;
  readonly parts: Map<number, FakePart>;
  staged: FakePart[];
}

interface FakeBucket {
  readonly info: BucketInfo;
  readonly objects: Map<string, FakeObject>;
  readonly uploads: Map<string, FakeUpload>;
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function rollUp<T extends { readonly key: string }>(
  all: readonly T[],
  request: { readonly prefix: string; readonly delimiter: string; readonly limit: number },
  isAfter: (item: T) => boolean,
  after: string,
) {
  const rows: T[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  for (const item of all) {
    if (!item.key.startsWith(request.prefix) || !isAfter(item)) continue;
    const cut =
      request.delimiter === "" ? -1 : item.key.indexOf(request.delimiter, request.prefix.length);
    const prefix = cut < 0 ? undefined : item.key.slice(0, cut + request.delimiter.length);
    if (prefix !== undefined && (prefixes.at(-1) === prefix || byBytes(prefix, after) <= 0))
      continue;
    if (rows.length + prefixes.length === request.limit)
      return { rows, prefixes, truncated: true, last };
    if (prefix === undefined) rows.push(item);
    else prefixes.push(prefix);
    last = prefix ?? item.key;
  }
  return { rows, prefixes, truncated: false, last };
}

function judge(conditions: WriteConditions | undefined, current: FakeObject | undefined): void {
  const { ifMatch, ifNoneMatch } = conditions ?? {};
  const matches = (etag: string) =>
    current !== undefined && (etag === "*" || etag === current.info.attributes.etag);
  if (ifMatch !== undefined && !matches(ifMatch))
    throw new QuarryError(current === undefined ? "NoSuchKey" : "ConditionFailed", "If-Match");
  if (ifNoneMatch !== undefined && matches(ifNoneMatch))
    throw new QuarryError("ConditionFailed", "If-None-Match");
}

async function collect(body: Body): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of body.bytes) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export function fakeStore(clock: Clock = systemClock): Store {
  const buckets = new Map<string, FakeBucket>();
  let uploads = 0;

  const bucketOf = (name: string): FakeBucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new QuarryError("NoSuchBucket", "no such bucket");
    return bucket;
  };
  const uploadOf = (bucket: string, key: string, id: string): FakeUpload => {
    const upload = bucketOf(bucket).uploads.get(id);
    if (upload === undefined || upload.info.key !== key)
      throw new QuarryError("NoSuchUpload", "no such upload");
    return upload;
  };
  const store = (
    bucket: FakeBucket,
    key: string,
    bytes: Buffer,
    attributes: ObjectAttributes,
    conditions: WriteConditions | undefined,
  ): Extract<CommandResult, { type: "version" }> => {
    judge(conditions, bucket.objects.get(key));
    const modifiedMs = clock.nowMs();
    const info = {
      key,
      version: "null",
      modifiedMs,
      lengthBytes: bytes.length,
      deleteMarker: false,
      attributes,
    };
    bucket.objects.set(key, { info, bytes });
    return { type: "version", version: "null", modifiedMs };
  };

  const execute = async (command: Command): Promise<CommandResult> => {
    switch (command.type) {
      case "createBucket": {
        if (buckets.has(command.bucket))
          throw new QuarryError("BucketExists", "the bucket is there");
        const info: BucketInfo = {
          name: command.bucket,
          createdMs: clock.nowMs(),
          owner: command.owner,
          versioning: "off",
          objects: 0,
          bytes: 0,
          ...(command.region === undefined ? {} : { region: command.region }),
        };
        buckets.set(command.bucket, { info, objects: new Map(), uploads: new Map() });
        return { type: "bucket", bucket: info };
      }
      case "deleteBucket":
        if (bucketOf(command.bucket).objects.size > 0)
          throw new QuarryError("BucketNotEmpty", "the bucket is not empty");
        buckets.delete(command.bucket);
        return { type: "done" };
      case "deleteObject": {
        const { objects } = bucketOf(command.bucket);
        judge(command.conditions, objects.get(command.key));
        objects.delete(command.key);
        return { type: "done" };
      }
      case "createUpload": {
        const id = `upload-${++uploads}`;
        const { bucket, key, attributes, checksumAlgorithm, checksumType } = command;
        bucketOf(bucket).uploads.set(id, {
          info: {
            key,
            upload: id,
            startedMs: clock.nowMs(),
            owner: attributes.owner ?? "",
            ...(checksumAlgorithm === undefined ? {} : { checksumAlgorithm }),
            ...(checksumType === undefined ? {} : { checksumType }),
          },
          attributes,
          parts: new Map(),
          staged: [],
        });
        return { type: "upload", upload: id };
      }
      case "stageParts": {
        const upload = uploadOf(command.bucket, command.key, command.upload);
        upload.staged.length = command.staged;
        const parts = command.parts.map(({ part, etag }) => {
          const stored = upload.parts.get(part);
          if (stored === undefined || stored.etag !== etag)
            throw new QuarryError("InvalidPart", `part ${part} is not there`);
          upload.staged.push(stored);
          return {
            etag: stored.etag,
            lengthBytes: stored.bytes.length,
            ...(stored.checksum === undefined ? {} : { checksum: stored.checksum.value }),
          };
        });
        return { type: "staged", staged: upload.staged.length, parts };
      }
      case "completeUpload": {
        const upload = uploadOf(command.bucket, command.key, command.upload);
        const small = upload.staged.slice(0, -1).some(({ bytes }) => bytes.length < 5 * 2 ** 20);
        if (small) throw new QuarryError("PartTooSmall", "a part is too small");
        const bytes = Buffer.concat(upload.staged.map((part) => part.bytes));
        const { etag, checksum } = command;
        const attributes = {
          ...upload.attributes,
          etag,
          ...(checksum === undefined ? {} : { checksum }),
        };
        const bucket = bucketOf(command.bucket);
        const done = store(bucket, command.key, bytes, attributes, command.conditions);
        bucket.uploads.delete(command.upload);
        return done;
      }
      case "abortUpload":
        uploadOf(command.bucket, command.key, command.upload);
        bucketOf(command.bucket).uploads.delete(command.upload);
        return { type: "done" };
      default:
        throw new QuarryError("NotImplemented", `the fake store has no ${command.type}`);
    }
  };

  const absent = () => Promise.reject(new QuarryError("NotImplemented", "not in the fake store"));
  const names: NameService = {
    execute,
    bucket: async (name) => bucketOf(name).info,
    buckets: async (owner, after, limit) =>
      [...buckets.values()]
        .map(({ info }) => info)
        .filter((info) => info.owner === owner && info.name > after)
        .sort((a, b) => byBytes(a.name, b.name))
        .slice(0, limit),
    list: async (request) => {
      const all = [...bucketOf(request.bucket).objects.values()].map(({ info }) => info);
      all.sort((a, b) => byBytes(a.key, b.key));
      const page = rollUp(
        all,
        request,
        ({ key }) => byBytes(key, request.after) > 0,
        request.after,
      );
      const { rows: objects, prefixes, truncated, last } = page;
      return { objects, prefixes, truncated, ...(last === undefined ? {} : { last }) };
    },
    uploads: async (request) => {
      const all = [...bucketOf(request.bucket).uploads.values()].map(({ info }) => info);
      all.sort((a, b) => byBytes(a.key, b.key) || byBytes(a.upload, b.upload));
      const isAfter = ({ key, upload }: UploadInfo) => {
        const order = byBytes(key, request.keyAfter);
        return (
          order > 0 || (order === 0 && request.uploadAfter !== "" && upload > request.uploadAfter)
        );
      };
      const page = rollUp(all, request, isAfter, request.keyAfter);
      return { uploads: page.rows, prefixes: page.prefixes, truncated: page.truncated };
    },
    parts: async ({ bucket, key, upload, after, limit }) => {
      const found = uploadOf(bucket, key, upload);
      const all = [...found.parts.entries()]
        .filter(([part]) => part > after)
        .sort(([a], [b]) => a - b)
        .map(([part, { etag, bytes, modifiedMs, checksum }]) => ({
          part,
          etag,
          lengthBytes: bytes.length,
          modifiedMs,
          ...(checksum === undefined ? {} : { checksum }),
        }));
      return { upload: found.info, parts: all.slice(0, limit), truncated: all.length > limit };
    },
    lookup: absent,
    chunks: absent,
    leaseBlobs: absent,
    openBlocks: absent,
    locate: absent,
    reportBlock: absent,
    deleted: absent,
  };

  return {
    names,
    async put(target, body, attributes) {
      const bucket = bucketOf(target.bucket);
      const bytes = await collect(body);
      return store(bucket, target.key, bytes, attributes(), target.conditions);
    },
    async putPart(target, body, attributes) {
      const upload = uploadOf(target.bucket, target.key, target.upload);
      const bytes = await collect(body);
      upload.parts.set(target.part, { ...attributes(), bytes, modifiedMs: clock.nowMs() });
    },
    async open({ bucket, key, version }) {
      const object = bucketOf(bucket).objects.get(key);
      if (object === undefined) throw new QuarryError("NoSuchKey", "no such key");
      if (version !== undefined && version !== "null")
        throw new QuarryError("NoSuchVersion", "no such version");
      return {
        object: object.info,
        async *read(offset, lengthBytes) {
          const step = 2 ** 18;
          const end = offset + lengthBytes;
          for (let at = offset; at < end; at += step)
            yield object.bytes.subarray(at, Math.min(at + step, end));
        },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
