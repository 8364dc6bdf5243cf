import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { refusalOf, tokenOf } from "./token.ts";

const rule = { secret: "a secret", keptMs: 600_000 };
const name = "T19RETByJT1RXrhCrK.jpg";
const seconds = 1_700_000_000;
const nowMs = seconds * 1000 + 5_000;
const token = tokenOf(name, rule.secret, seconds);

test("a token is the MD5 of name, secret and time", () => {
  const md5 = createHash("md5").update(`${name}a secret1700000000`).digest("hex");
  expect(token).toBe(md5);
});

test.each([
  ["right", name, token, String(seconds), nowMs, undefined],
  ["right to its end", name, token, String(seconds), seconds * 1000 + rule.keptMs, undefined],
  ["expired", name, token, String(seconds), seconds * 1000 + rule.keptMs + 1, "expired"],
  ["of the future", name, token, String(seconds), seconds * 1000 - 60_001, "to come"],
  ["of another file", "T19RETByJT1RCvBVdK", token, String(seconds), nowMs, "not of this file"],
  ["of another time", name, token, String(seconds + 1), nowMs, "not of this file"],
  ["absent", name, undefined, String(seconds), nowMs, "only with"],
  ["without a time", name, token, undefined, nowMs, "only with"],
  ["not one", name, "x", String(seconds), nowMs, "hexadecimal"],
  ["of no time", name, token, "-1", nowMs, "hexadecimal"],
])("a token that is %s", (_, file, given, ts, now, refusal) => {
  const told = refusalOf(rule, file, given, ts, now);
  if (refusal === undefined) expect(told).toBeUndefined();
  else expect(told).toContain(refusal);
});
