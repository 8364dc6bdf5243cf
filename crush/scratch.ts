/**
 * Working space of one mapping, made once and used for any number of them, so that placing an
 * object allocates nothing. Not shared between mappings that interleave (there is no await in one).
 */
import { assert } from "../base/errors.ts";
import type { Layout } from "./layout.ts";

/** What is being chosen, and where the answers go. */
export interface Target {
  /** Type of the wanted items; 0 for devices. */
  type: number;
  /** The chosen items stand here from `start`. */
  out: Int32Array;
  start: number;
  /** For chooseleaf: a device below each chosen item goes here, at the same place. */
  leaves: Int32Array | undefined;
  /** Attempts per replica. */
  tries: number;
  /** Added to r: 0 but below a chosen bucket. */
  parentR: number;
}

export interface Scratch {
  /** Most replicas that can be asked for. */
  readonly capacity: number;
  /** The answer of the last mapping: devices, or NONE for a hole. */
  readonly result: Int32Array;
  /** Two lists that swap roles from step to step, and the leaves below chosen buckets. */
  readonly lists: readonly [Int32Array, Int32Array];
  readonly leaves: Int32Array;
  /** Shuffled items by slot, whose mapping they belong to, and how far they are shuffled. */
  readonly orders: (Int32Array | undefined)[];
  readonly orderOwners: Float64Array;
  readonly orderLengths: Float64Array;
  /** Serial number of the mapping under way. */
  mapping: number;

  // what the mapping is about
  x: number;
  /** Reweights by device, 16.16: 65,536 is in, 0 is out, between: that share of inputs. */
  reweights: Uint32Array;

  /** The step under way, and the search for a leaf below one of its choices. */
  readonly target: Target;
  readonly leafTarget: Target;

  // tunables of the rule's current step
  tries: number;
  leafTries: number;
  localRetries: number;
  fallbackRetries: number;
  varyR: number;
  stable: boolean;
}

/** Space for mappings of up to `capacity` replicas over one layout. */
export function createScratch(layout: Layout, capacity: number): Scratch {
  assert(capacity > 0 && Number.isSafeInteger(capacity), "scratch has room for a replica");
  return {
    capacity,
    result: new Int32Array(capacity),
    lists: [new Int32Array(capacity), new Int32Array(capacity)],
    leaves: new Int32Array(capacity),
    orders: layout.buckets.map(() => undefined),
    orderOwners: new Float64Array(layout.buckets.length),
    orderLengths: new Float64Array(layout.buckets.length),
    mapping: 0,
    x: 0,
    reweights: new Uint32Array(0),
    target: emptyTarget(),
    leafTarget: emptyTarget(),
    tries: 0,
    leafTries: 0,
    localRetries: 0,
    fallbackRetries: 0,
    varyR: 0,
    stable: false,
  };
}

function emptyTarget(): Target {
  return { type: 0, out: new Int32Array(0), start: 0, leaves: undefined, tries: 0, parentR: 0 };
}
