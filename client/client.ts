/** The storage client over a nameserver and the dataservers of its devices. */
import type { Clock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Command, CommandResult, NewBlob } from "../rpc/commands.ts";
import type { NameService } from "../rpc/name-service.ts";
import { BlobIds } from "./blob-ids.ts";
import { Codecs } from "./codecs.ts";
import { createFids } from "./fids/fids.ts";
import { type GetContext, readContent, readShort } from "./get.ts";
import { Latencies } from "./latencies.ts";
import { linkName } from "./link.ts";
import { Locations, OpenBlocks, type ServiceOf } from "./members.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { NeedleReports } from "./needle-reports.ts";
import { PoolChoice } from "./pool-choice.ts";
import { type PutContext, storeBody } from "./put.ts";
import { type SpliceContext, spliceContent } from "./splice.ts";
import type { Body, LateTarget, OpenObject, PartTarget, PutTarget, Store } from "./store.ts";

export interface ClientOptions {
  readonly names: NameService;
  readonly serviceOf: ServiceOf;
  readonly clock: Clock;
  readonly random: Random;
  /** Memory for bytes in flight. */
  readonly inFlightBytes?: number;
  /** Called once when the client is closed: closes what it owns. */
  readonly onClose?: () => Promise<void>;
}

export function createClient(options: ClientOptions): Store {
  const { names } = options;
  const getting: GetContext = {
    names,
    serviceOf: options.serviceOf,
    locations: new Locations(names),
    clock: options.clock,
    codecs: new Codecs(),
    latencies: new Latencies(options.clock),
    reports: new NeedleReports(names),
    readBudget: new MemoryBudget(limits.readBytes),
  };
  const putting: SpliceContext = {
    ...getting,
    random: options.random,
    openBlocks: new OpenBlocks(names),
    pools: new PoolChoice(names, options.clock),
    blobIds: new BlobIds(names),
    budget: new MemoryBudget(options.inFlightBytes ?? limits.uploadBytes),
  };
  const store: Store = {
    names,
    fids: createFids(putting),
    put: (target, body, attributes) =>
      putObject(putting, target, body, (content) => ({
        type: "putObject",
        bucket: target.bucket,
        ...(target.bucketId !== undefined && { bucketId: target.bucketId }),
        key: typeof target.key === "string" ? target.key : target.key(),
        content,
        attributes: attributes(),
        ...(target.conditions !== undefined && { conditions: target.conditions }),
      })).then((result) => {
        assert(result.type === "version", "putObject answers with a version");
        return result;
      }),
    putPart: async (target, body, attributes) => {
      const { storageClass: _, ...part } = target;
      await putObject(putting, target, body, (content) => ({
        type: "putPart",
        ...part,
        content,
        ...attributes(),
      }));
    },
    splice: (target, body) => spliceContent(putting, target, body),
    link: (request) => linkName(store, request),
    open: (target) => open(getting, target),
    async [Symbol.asyncDispose]() {
      await options.onClose?.();
    },
  };
  return store;
}

async function putObject(
  context: PutContext,
  target: PutTarget | LateTarget | PartTarget,
  body: Body,
  command: (content: NewBlob) => Command,
): Promise<CommandResult> {
  // A large body for a bucket that is not there is refused before it is read.
  if ((body.lengthBytes ?? Number.POSITIVE_INFINITY) > limits.chunkBytes)
    await context.names.bucket(target.bucket);
  return await storeBody(context, body, target.storageClass, (content) =>
    context.names.execute(command(content)),
  );
}

async function open(
  context: GetContext,
  target: Parameters<Store["open"]>[0],
): Promise<OpenObject> {
  const found = await context.names.lookup(target);
  return {
    object: found.object,
    ...(found.span !== undefined && { span: found.span }),
    read: (offset, lengthBytes) => readContent(context, found.pin, found.run, offset, lengthBytes),
    readShort: (offset, lengthBytes) => readShort(context, found.run, offset, lengthBytes),
    take: (offset, lengthBytes) =>
      readContent(context, found.pin, found.run, offset, lengthBytes, true),
  };
}
