/**
 * What the load does, by name: `put-4k`, `range-64m-64k`. Kinds stand in `kinds/`, one file each; a new
 * kind is a file there and a line in `kinds` below. A kind whose requests are not S3's (fids, streams)
 * brings its own {@link Client} beside its work.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { deletes } from "./kinds/delete.ts";
import { fidGets, fidPuts } from "./kinds/fid.ts";
import { gets } from "./kinds/get.ts";
import { lists } from "./kinds/list.ts";
import { mixed } from "./kinds/mixed.ts";
import { multipart } from "./kinds/multipart.ts";
import { puts } from "./kinds/put.ts";
import { ranges } from "./kinds/range.ts";
import { streamGets, streamPuts } from "./kinds/stream.ts";
import type { Client, Lane, Request } from "./request.ts";
import { parseSize } from "./sizes.ts";
import type { Measured } from "./stored.ts";

/** What one operation moved. */
export interface Moved {
  readonly bytes: number;
  readonly keys: number;
}

/** The operations of one measurement, numbered from 0; lanes take them in turn. */
export interface Work {
  run(lane: Lane, n: number): Promise<Moved>;
  /** Where an operation is one request. */
  readonly single?: Single;
  /** There are so many. */
  readonly operations: number;
  /** Operation n is like operation n − repeats: it can be made ready once for all. */
  readonly repeats?: number;
}

export interface Single {
  request(n: number): Request;
  /** What it moves when it is answered as it must be. */
  moves(n: number): Moved;
}

/** Where a kind works. */
export interface Stage {
  /** Names of objects, the same for the same `n` in all rounds, and others in each run. */
  keyOf(n: number): string;
  /** Names that no other measurement has. */
  freshKeyOf(n: number): string;
  /** `bytes` long; the same buffer each time. */
  payload(bytes: number): Buffer;
  /** Objects for workloads that read, if the user said so. */
  readonly objects: number | undefined;
  /** Requests 0 … count − 1, beforehand and not measured; once only, where `isKept`. Returns how many. */
  fill(count: number, request: (n: number) => Request, isKept: boolean): Promise<number>;
}

export interface Kind {
  /** Parameters behind the name: `SIZE`, … */
  readonly form: string;
  readonly what: string;
  /** Sizes behind the name; throws what is wrong with them. */
  check(sizes: readonly number[]): void;
  /** Connections, where the user says nothing. */
  lanes(sizes: readonly number[]): number;
  prepare(stage: Stage, sizes: readonly number[]): Promise<Work>;
  /** What carries its requests, where they are not S3's. */
  client?(of: Measured): Client;
}

export interface Workload {
  readonly name: string;
  readonly kind: Kind;
  readonly sizes: readonly number[];
}

const kinds: Readonly<Record<string, Kind>> = {
  put: puts,
  get: gets,
  mixed,
  delete: deletes,
  list: lists,
  multipart,
  range: ranges,
  "fid-put": fidPuts,
  "fid-get": fidGets,
  "stream-put": streamPuts,
  "stream-get": streamGets,
};

export const usualWorkloads = "put-4k,get-4k,put-64m,get-64m";
export const allWorkloads =
  "put-1k,get-1k,put-4k,get-4k,mixed-4k,delete-4k,put-64k,get-64k,put-1m,get-1m,put-64m,get-64m,list-1000,multipart-64m-8m,range-64m-64k,fid-put-4k,fid-get-4k,stream-put-16m,stream-get-16m";

export function workloadOf(name: string): Workload {
  const word = Object.keys(kinds).find((one) => name === one || name.startsWith(`${one}-`));
  const kind = word === undefined ? undefined : kinds[word];
  if (word === undefined || kind === undefined)
    throw new QuarryError("InvalidArgument", `no workload ${name}: there are ${forms()}`);
  const rest = name.split("-").slice(word.split("-").length);
  const sizes = rest.map(parseSize);
  const wanted = kind.form.split("-").length;
  if (sizes.length !== wanted)
    throw new QuarryError("InvalidArgument", `${name} is no workload: write ${word}-${kind.form}`);
  if (sizes.some((bytes) => bytes > limits.benchObjectBytes))
    throw new QuarryError("InvalidArgument", `${name}: the most is ${limits.benchObjectBytes}`);
  kind.check(sizes);
  return { name, kind, sizes };
}

export function forms(): string {
  return Object.entries(kinds)
    .map(([word, { form, what }]) => `${word}-${form} (${what})`)
    .join(", ");
}
