/**
 * The store as one request may use it. What it changes is the bucket that it was judged by, never one
 * made meanwhile under the same name. What took long, as the bytes of a slow sender do, is judged
 * again before it counts: a key that was revoked, or a right that was taken away, ends what is under
 * way with it.
 */
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { linkName } from "../client/link.ts";
import type { Body, Store } from "../client/store.ts";
import type { Command } from "../rpc/commands.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { BucketInfo } from "../rpc/objects.ts";

export interface Judgement {
  readonly store: Store;
  readonly bucket: BucketInfo | undefined;
  readonly clock: Clock;
  /** Throws when the request is not allowed any more. */
  readonly judgeAgain: () => Promise<void>;
}

export function judgedStore({ store, bucket, clock, judgeAgain }: Judgement): Store {
  let judgedMs = clock.monotonicMs();
  const stillAllowed = async () => {
    if (clock.monotonicMs() - judgedMs < limits.judgementMs) return;
    await judgeAgain();
    judgedMs = clock.monotonicMs();
  };
  const meant = <Named extends { readonly bucket: string }>(named: Named): Named =>
    bucket !== undefined && named.bucket === bucket.name
      ? { ...named, bucketId: bucket.id }
      : named;
  const held = (body: Body): Body => {
    const bytes = { [Symbol.asyncIterator]: () => heldBytes(body.bytes, stillAllowed) };
    const { whole } = body;
    if (whole === undefined) return { ...body, bytes };
    const heldWhole = async () => {
      const all = await whole();
      await stillAllowed();
      return all;
    };
    return { ...body, bytes, whole: heldWhole };
  };
  const execute: NameService["execute"] = async (command) => {
    await stillAllowed();
    return await store.names.execute(speaksOfBucket(command) ? meant(command) : command);
  };
  const judged: Store = {
    // Queries are inherited: to copy so many methods for each request would cost microseconds.
    names: Object.assign(Object.create(store.names) as NameService, { execute }),
    fids: store.fids,
    put: (target, body, attributes) => store.put(meant(target), held(body), attributes),
    putPart: (target, body, attributes) => store.putPart(meant(target), held(body), attributes),
    splice: (target, body) => store.splice(meant(target), body && held(body)),
    link: (request) => linkName(judged, request),
    open: (target) => store.open(target),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return judged;
}

function speaksOfBucket(
  command: Command,
): command is Exclude<Extract<Command, { bucket: string }>, { type: "createBucket" }> {
  return "bucket" in command && command.type !== "createBucket";
}

/** The bytes, which end only if they may. */
async function* heldBytes(
  bytes: AsyncIterable<Uint8Array>,
  stillAllowed: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  yield* bytes;
  await stillAllowed();
}
