/**
 * Files without names of their own: whoever stores one is told where it is, as a TFS file name, and that
 * is all that is kept. Buckets say who may; nothing of a bare fid (`T…`) is metadata. A linked one (`L…`:
 * larger content, and objects that were given a fid) is a name of its bucket.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { GetContext } from "../get.ts";
import type { PutContext } from "../put.ts";
import type { Body } from "../store.ts";
import { Apps, HIDDEN_PREFIX } from "./apps.ts";
import { noSuchFile } from "./find.ts";
import { HEAD_BYTES } from "./head.ts";
import { type LinkSource, linkObject } from "./linked.ts";
import { FidLocations } from "./locations.ts";
import { type Fid, type FidKind, fidName, type ParsedFid, parseFidName } from "./name.ts";
import { type FidInfo, type OpenFid, openFid } from "./open-fid.ts";
import { removeLinked, removeNeedle } from "./remove-fid.ts";
import { type FidTarget, storeFid } from "./store-fid.ts";

export type { App } from "./apps.ts";
export type { LinkSource } from "./linked.ts";
export type { FidInfo, OpenFid } from "./open-fid.ts";
export type { FidTarget } from "./store-fid.ts";

export interface StoredFid {
  /** With its suffix. */
  readonly name: string;
  readonly kind: FidKind;
}

export interface Fids {
  readonly apps: Apps;
  /** Learns what is needed to go on without nameservers. */
  prepare(): Promise<void>;
  /** Resolves when the bytes are durable on every member. */
  store(target: FidTarget, body: Body): Promise<StoredFid>;
  /** Gives an object a fid, an `L` name of `target.bucket`; no bytes are moved. */
  link(source: LinkSource, target: Pick<FidTarget, "bucket" | "suffix">): Promise<StoredFid>;
  /** Dispose what it gives. @throws QuarryError `NoSuchKey`, also for what is hidden. */
  fetch(bucket: string, name: string): Promise<OpenFid>;
  stat(bucket: string, name: string): Promise<FidInfo & { readonly isHidden: boolean }>;
  remove(bucket: string, name: string): Promise<void>;
  /** Until it is revealed it is not found. It is one more object, an empty one, of its bucket. */
  hide(bucket: string, name: string): Promise<void>;
  reveal(bucket: string, name: string): Promise<void>;
}

export function createFids(putting: PutContext & GetContext): Fids {
  const { names, clock } = putting;
  const locations = new FidLocations(putting.locations, names, clock);
  const context = { ...putting, locations };
  // Who uses a bucket may read its files one day when nobody can be asked where they are.
  const apps = new Apps(names, clock, () => locations.prepare());
  const named = (kind: FidKind, fid: Fid, suffix: string | undefined): StoredFid => ({
    name: fidName(kind, fid, suffix),
    kind,
  });
  const stat: Fids["stat"] = async (bucket, name) => {
    const fid = parsed(name);
    const app = await apps.of(bucket);
    using open = await openFid(context, name, fid, HEAD_BYTES);
    const { read: _, whole: __, [Symbol.dispose]: ___, ...info } = open;
    if (info.bucketId !== app.id) throw noSuchFile();
    return { ...info, isHidden: app.hidden.has(info.name) };
  };
  return {
    apps,
    prepare: () => locations.prepare(),
    async store(target, body) {
      const { bucket, suffix } = target;
      // A suffix that cannot be is refused before the bytes are read.
      fidName("T", { block: 0, needle: 0n } as Fid, suffix);
      const { kind, fid } = await storeFid(context, await apps.of(bucket), target, body);
      return named(kind, fid, suffix);
    },
    async link(source, { bucket, suffix }) {
      return named("L", await linkObject(context, source, await apps.of(bucket)), suffix);
    },
    async fetch(bucket, name) {
      const fid = parsed(name);
      const app = await apps.of(bucket);
      const open = await openFid(context, name, fid);
      if (open.bucketId === app.id && !app.hidden.has(open.name)) return open;
      open[Symbol.dispose]();
      throw noSuchFile();
    },
    stat,
    async remove(bucket, name) {
      const { kind, isHidden, name: bare, ...fid } = await stat(bucket, name);
      const app = await apps.of(bucket);
      if (kind === "T") await removeNeedle(context, fid);
      else await removeLinked(context, fid, app);
      if (isHidden) await reveal(bucket, bare);
    },
    async hide(bucket, name) {
      const { name: bare, isHidden } = await stat(bucket, name);
      if (isHidden) return;
      const { id, hidden } = await apps.of(bucket);
      if (hidden.size >= limits.fidHidden)
        throw new QuarryError(
          "TooLarge",
          `at most ${limits.fidHidden} fids of a bucket are hidden`,
        );
      await names.execute({
        ...{ type: "putObject", bucket, bucketId: id, key: HIDDEN_PREFIX + bare },
        content: { blob: await putting.blobIds.take(), lengthBytes: 0, registered: 0, chunks: [] },
        attributes: { etag: EMPTY_MD5 },
      });
      apps.changed(bucket);
    },
    async reveal(bucket, name) {
      const { name: bare, isHidden } = await stat(bucket, name);
      if (isHidden) await reveal(bucket, bare);
    },
  };

  async function reveal(bucket: string, name: string): Promise<void> {
    const { id } = await apps.of(bucket);
    await names.execute({
      ...{ type: "deleteObject", bucket, bucketId: id, key: HIDDEN_PREFIX + name },
    });
    apps.changed(bucket);
  }
}

const EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e";

function parsed(name: string): ParsedFid {
  const fid = parseFidName(name);
  if (fid === undefined)
    throw new QuarryError(
      "InvalidArgument",
      "the name of a file has 18 characters, from T1 or L1 on, and perhaps a suffix behind them",
    );
  return fid;
}
