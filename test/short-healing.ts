/** Healing looks often, so that tests need not wait. Import it first: some limits are read when loaded. */
import { limits } from "../base/limits.ts";

const short = {
  stockLookMs: 20,
  healingLookMs: 20,
  healingRestMs: 60,
  healingRetryMs: 30,
  differRestMs: 100,
  differLongMs: 400,
  unknownLookMs: 100,
  stagedLookMs: 100,
} satisfies Partial<Record<keyof typeof limits, number>>;

Object.assign(limits, short);
