/** The few expectations that an audit needs, so that it can run without a test runner. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

export interface Expectation {
  toBe(right: unknown): void;
  /** Fields that are undefined count as absent. */
  toEqual(right: unknown): void;
  toBeDefined(): void;
  toBeUndefined(): void;
  toBeGreaterThan(bound: number): void;
}

export function expect(value: unknown): Expectation {
  return {
    toBe: (right) => assert.equal(value, right),
    toEqual(right) {
      if (!isDeepStrictEqual(bare(value), bare(right))) assert.deepStrictEqual(value, right);
    },
    toBeDefined: () => assert.notEqual(value, undefined),
    toBeUndefined: () => assert.equal(value, undefined),
    toBeGreaterThan: (bound) => assert.ok((value as number) > bound, `${value} > ${bound}`),
  };
}

/** Without undefined fields of the outermost object. */
function bare(value: unknown): unknown {
  if (value === null || typeof value !== "object" || value.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
