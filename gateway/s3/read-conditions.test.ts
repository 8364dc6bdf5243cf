import { describe, expect, test } from "vitest";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import { judgeRead, rangeCounts } from "./read-conditions.ts";

const object: ObjectInfo = {
  key: "k",
  version: "null",
  modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  lengthBytes: 1,
  deleteMarker: false,
  attributes: { etag: "abc" },
};
const same = "Fri, 02 Jan 2026 03:04:05 GMT";
const before = "Fri, 02 Jan 2026 03:04:04 GMT";

describe("conditions on reads", () => {
  test.each<[Record<string, string>, "send" | "unchanged" | "PreconditionFailed"]>([
    [{}, "send"],
    [{ "if-match": '"abc"' }, "send"],
    [{ "if-match": "abc" }, "send"],
    [{ "if-match": '"x", "abc"' }, "send"],
    [{ "if-match": "*" }, "send"],
    [{ "if-match": '"x"' }, "PreconditionFailed"],
    [{ "if-none-match": '"abc"' }, "unchanged"],
    [{ "if-none-match": 'W/"abc"' }, "unchanged"],
    [{ "if-none-match": "*" }, "unchanged"],
    [{ "if-none-match": '"x"' }, "send"],
    [{ "if-modified-since": same }, "unchanged"],
    [{ "if-modified-since": before }, "send"],
    [{ "if-modified-since": "no date" }, "send"],
    [{ "if-unmodified-since": same }, "send"],
    [{ "if-unmodified-since": before }, "PreconditionFailed"],
    // the stronger condition hides the weaker one
    [{ "if-match": '"abc"', "if-unmodified-since": before }, "send"],
    [{ "if-none-match": '"x"', "if-modified-since": same }, "send"],
    [{ "if-match": '"x"', "if-none-match": '"abc"' }, "PreconditionFailed"],
  ])("%j: %s", (headers, expected) => {
    if (expected === "PreconditionFailed")
      expect(() => judgeRead(headers, object)).toThrow(expect.objectContaining({ code: expected }));
    else expect(judgeRead(headers, object)).toBe(expected);
  });

  test.each<[string | undefined, boolean]>([
    [undefined, true],
    ['"abc"', true],
    ['"x"', false],
    ['W/"abc"', false],
    [same, true],
    [before, false],
  ])("If-Range %s counts: %s", (ifRange, expected) => {
    expect(rangeCounts(ifRange, object)).toBe(expected);
  });
});
