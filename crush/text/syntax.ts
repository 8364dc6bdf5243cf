/** What a text map says, declaration by declaration, before names are resolved. */
import type { SetOp } from "../map.ts";

export interface TunableLine {
  readonly kind: "tunable";
  readonly name: string;
  readonly value: number;
}

export interface DeviceLine {
  readonly kind: "device";
  readonly id: number;
  readonly name: string;
  readonly class: string | undefined;
}

export interface TypeLine {
  readonly kind: "type";
  readonly id: number;
  readonly name: string;
}

export interface ItemLine {
  readonly name: string;
  /** Decimal, as written. */
  readonly weight: string | undefined;
  readonly position: number | undefined;
}

export interface BucketBlock {
  readonly kind: "bucket";
  readonly type: string;
  readonly name: string;
  /** The bucket's own id has no class; those of its shadows have one. */
  readonly ids: readonly { readonly id: number; readonly class: string | undefined }[];
  readonly algorithm: string;
  /** The last one counts. */
  readonly hashes: readonly (number | "rjenkins1")[];
  readonly items: readonly ItemLine[];
}

export type StepLine =
  | { readonly op: "take"; readonly item: string; readonly class: string | undefined }
  | { readonly op: "emit" }
  | { readonly op: SetOp; readonly value: number }
  | {
      readonly op: "choose" | "chooseleaf";
      readonly mode: "firstn" | "indep";
      readonly count: number;
      readonly type: string;
    };

export interface RuleBlock {
  readonly kind: "rule";
  readonly name: string | undefined;
  readonly id: number;
  readonly type: "replicated" | "erasure";
  readonly minSize: number;
  readonly maxSize: number;
  readonly steps: readonly StepLine[];
}

export interface ChooseArgsBlock {
  readonly kind: "choose_args";
  readonly index: number;
  readonly buckets: readonly {
    readonly bucketId: number;
    /** Decimals, as written. */
    readonly weightSets: readonly (readonly string[])[] | undefined;
    readonly ids: readonly number[] | undefined;
  }[];
}

export type Declaration =
  | TunableLine
  | DeviceLine
  | TypeLine
  | BucketBlock
  | RuleBlock
  | ChooseArgsBlock;
