/** Stores content of any length: bare when one needle holds it, else under a name of its own. */
import { createHash } from "node:crypto";
import { limits } from "../../base/limits.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";
import type { PutContext } from "../put.ts";
import type { Body } from "../store.ts";
import type { App } from "./apps.ts";
import { BARE_BYTES, HEAD_BYTES } from "./head.ts";
import { storeLinked } from "./linked.ts";
import type { Fid, FidKind } from "./name.ts";
import { storeBare } from "./store-bare.ts";

export interface FidTarget {
  readonly bucket: string;
  /** As `.jpg`. It becomes part of the name, and the file is not found without it. */
  readonly suffix?: string;
  readonly storageClass?: string;
  /** Also what fits one needle gets an `L` name. */
  readonly large?: boolean;
  /** Of content that gets an `L` name; called when the last byte was read. */
  readonly attributes?: (md5: string) => ObjectAttributes;
}

export async function storeFid(
  context: PutContext,
  app: App,
  target: FidTarget,
  body: Body,
): Promise<{ readonly kind: FidKind; readonly fid: Fid }> {
  const { storageClass, large = false, attributes = (etag) => ({ etag }) } = target;
  const { bytes, lengthBytes } = await measured(body);
  if (lengthBytes !== undefined && lengthBytes <= BARE_BYTES && !large) {
    const placed = { storageClass, objectBytes: lengthBytes + HEAD_BYTES };
    const fid = await storeBare(context, { bytes }, lengthBytes, app.id, placed);
    return { kind: "T", fid };
  }
  const digest = createHash("md5");
  let md5: string | undefined;
  const whole = {
    bytes: hashing(bytes, digest),
    ...(lengthBytes !== undefined && { lengthBytes }),
  };
  const fid = await storeLinked(context, whole, app, storageClass, () => {
    md5 ??= digest.digest("hex");
    return attributes(md5);
  });
  return { kind: "L", fid };
}

/** A body that does not say its length is looked into, as far as that takes little memory. */
async function measured({ bytes, lengthBytes }: Body): Promise<Body> {
  if (lengthBytes !== undefined) return { bytes, lengthBytes };
  const source = bytes[Symbol.asyncIterator]();
  // In one piece: of a sender that sends byte by byte the pieces would be a hundred times as much.
  const begun = Buffer.allocUnsafeSlow(limits.fidMeasuredBytes);
  let begunBytes = 0;
  let over: Uint8Array | undefined;
  let isWhole = false;
  while (begunBytes < begun.length && over === undefined && !isWhole) {
    const { done, value } = await source.next();
    if (done === true) isWhole = true;
    else {
      const count = Math.min(value.length, begun.length - begunBytes);
      begun.set(value.subarray(0, count), begunBytes);
      begunBytes += count;
      if (count < value.length) over = value.subarray(count);
    }
  }
  async function* again(): AsyncGenerator<Uint8Array> {
    try {
      if (begunBytes > 0) yield begun.subarray(0, begunBytes);
      if (over !== undefined) yield over;
      if (isWhole) return;
      for (let next = await source.next(); next.done !== true; next = await source.next())
        yield next.value;
    } finally {
      await source.return?.();
    }
  }
  return { bytes: again(), ...(isWhole && { lengthBytes: begunBytes }) };
}

async function* hashing(
  bytes: AsyncIterable<Uint8Array>,
  digest: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const view of bytes) {
    digest.update(view);
    yield view;
  }
}
