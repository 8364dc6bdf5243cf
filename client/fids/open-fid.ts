/** A file that a fid names, opened: what is known of it, and its bytes. */
import { payloadPool } from "../../base/buffer-pool.ts";
import { limits } from "../../base/limits.ts";
import type { ReadableChunk, ReadableRun } from "../content-cursor.ts";
import { type GetContext, readContent } from "../get.ts";
import { findNeedle } from "./find.ts";
import { HEAD_BYTES } from "./head.ts";
import { decodeList } from "./list.ts";
import { FID_NAME_LENGTH, type ParsedFid } from "./name.ts";

export interface FidInfo extends ParsedFid {
  /** Without its suffix. */
  readonly name: string;
  readonly lengthBytes: number;
  readonly storedMs: number;
  readonly bucketId: number;
  /** Of the whole content; that of a linked fid is not kept. */
  readonly crc32c?: number;
  /** Bytes that its needle takes; of a linked fid those of its list. */
  readonly needleBytes: number;
}

/** Dispose it when it is not read any more. */
export interface OpenFid extends FidInfo, Disposable {
  /**
   * Bytes [offset, offset + lengthBytes), verified. Each view is valid until the next one is asked for.
   */
  read(offset: number, lengthBytes: number): AsyncIterable<Uint8Array>;
  /** All of it, when it is at hand; valid until the file is disposed. */
  readonly whole?: Uint8Array;
}

const NO_PIN = { bucket: 0, slices: [] };

export async function openFid(
  context: GetContext,
  name: string,
  fid: ParsedFid,
  firstBytes: number = limits.fidFirstReadBytes,
): Promise<OpenFid> {
  return fid.kind === "T"
    ? await openBare(context, name, fid, firstBytes)
    : await openList(context, name, fid);
}

async function openBare(
  context: GetContext,
  name: string,
  fid: ParsedFid,
  firstBytes: number,
): Promise<OpenFid> {
  const { chunk, head, bytes } = await findNeedle(context, fid, "bare", firstBytes);
  const { lengthBytes, ...about } = head;
  const run: ReadableRun = {
    offset: 0,
    chunks: [{ ...chunk, from: HEAD_BYTES, usedBytes: lengthBytes }],
    end: lengthBytes,
  };
  const end = HEAD_BYTES + lengthBytes;
  let isHeld = true;
  const whole = bytes.length >= end ? bytes.subarray(HEAD_BYTES, end) : undefined;
  return {
    ...fid,
    name: name.slice(0, FID_NAME_LENGTH),
    ...{ lengthBytes, ...about, needleBytes: chunk.lengthBytes },
    ...(whole !== undefined && { whole }),
    read: (offset, count) =>
      whole === undefined
        ? readContent(context, NO_PIN, run, offset, count)
        : fromMemory(whole.subarray(offset, offset + count)),
    [Symbol.dispose]: () => {
      if (isHeld) payloadPool.give(bytes);
      isHeld = false;
    },
  };
}

async function* fromMemory(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

async function openList(context: GetContext, name: string, fid: ParsedFid): Promise<OpenFid> {
  const { chunk, head, bytes } = await findNeedle(context, fid, "list", limits.fidFirstReadBytes);
  const list = await wholeList(context, chunk, head.lengthBytes, bytes);
  const run = decodeList(list);
  payloadPool.give(bytes);
  return {
    ...fid,
    name: name.slice(0, FID_NAME_LENGTH),
    ...{ lengthBytes: run.end, storedMs: head.storedMs, bucketId: head.bucketId },
    needleBytes: chunk.lengthBytes,
    read: (offset, count) => readContent(context, NO_PIN, run, offset, count),
    [Symbol.dispose]: () => undefined,
  };
}

async function wholeList(
  context: GetContext,
  chunk: ReadableChunk,
  lengthBytes: number,
  first: Uint8Array,
): Promise<Uint8Array> {
  if (first.length >= HEAD_BYTES + lengthBytes)
    return first.subarray(HEAD_BYTES, HEAD_BYTES + lengthBytes);
  const run: ReadableRun = {
    offset: 0,
    chunks: [{ ...chunk, from: HEAD_BYTES, usedBytes: lengthBytes }],
    end: lengthBytes,
  };
  const list = Buffer.alloc(lengthBytes);
  let at = 0;
  for await (const view of readContent(context, NO_PIN, run, 0, lengthBytes)) {
    list.set(view, at);
    at += view.length;
  }
  return list;
}
