/** A map under construction: what the compiler knows between two declarations. */
import { QuarryError } from "../../base/errors.ts";
import type { Bucket, ChooseArgs, Rule, Tunables } from "../map.ts";
import { legacyTunables } from "../map.ts";

export interface Draft {
  tunables: Tunables;
  /** Devices and their last name, by id. */
  readonly deviceNames: Map<number, string>;
  readonly deviceClasses: Map<number, string>;
  readonly typeNames: Map<number, string>;
  readonly typeIds: Map<string, number>;
  /** Devices and buckets by name. */
  readonly itemIds: Map<string, number>;
  /** Ids that a bucket without one must not get. */
  readonly takenIds: Set<number>;
  readonly buckets: Map<number, Bucket>;
  /** Weight of each bucket read so far: what it counts for where it stands without a weight. */
  readonly bucketWeights: Map<number, number>;
  readonly rules: Map<number, Rule>;
  readonly ruleNames: Set<string>;
  /** In the order in which they were met. */
  readonly classes: Set<string>;
  /** Shadow ids that the text gives, by bucket id, then class. */
  readonly givenShadows: Map<number, Map<string, number>>;
  /** Shadow buckets that exist, by bucket id, then class; undefined before they are made. */
  shadows: ReadonlyMap<number, ReadonlyMap<string, number>> | undefined;
  readonly chooseArgs: Map<number, Map<number, ChooseArgs>>;
}

export function emptyDraft(): Draft {
  return {
    tunables: legacyTunables,
    deviceNames: new Map(),
    deviceClasses: new Map(),
    typeNames: new Map(),
    typeIds: new Map(),
    itemIds: new Map(),
    takenIds: new Set(),
    buckets: new Map(),
    bucketWeights: new Map(),
    rules: new Map(),
    ruleNames: new Set(),
    classes: new Set(),
    givenShadows: new Map(),
    shadows: undefined,
    chooseArgs: new Map(),
  };
}

/** What is wrong with a map that reads well. */
export function refuse(message: string): never {
  throw new QuarryError("InvalidArgument", message);
}
