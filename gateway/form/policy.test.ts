import { describe, expect, test } from "vitest";
import { judgePolicy, parsePolicy } from "./policy.ts";

const END = "2030-01-01T00:00:00.000Z";
const BEFORE_MS = Date.parse("2029-12-31T23:59:59.999Z");

const encode = (document: unknown) =>
  Buffer.from(typeof document === "string" ? document : JSON.stringify(document)).toString(
    "base64",
  );
const parse = (conditions: unknown, expiration: unknown = END) =>
  parsePolicy(encode({ expiration, conditions }));

/** Judges fields for the bucket "b" against conditions, to which the bucket's is added. */
function judge(conditions: unknown[], fields: Record<string, string>, nowMs = BEFORE_MS): void {
  const policy = parse([{ bucket: "b" }, ...conditions]);
  judgePolicy(policy, new Map(Object.entries(fields)), "b", nowMs);
}

describe("a policy document", () => {
  test("is read", () => {
    const conditions = [
      { Acl: "private" },
      ["StArTs-WiTh", "$KeY", "user/"],
      ["eq", "$x-amz-meta-a", ""],
      ["content-length-range", 1, "1048576"],
    ];
    expect(parse(conditions)).toEqual({
      expiresMs: Date.parse(END),
      conditions: [
        { operator: "eq", field: "acl", value: "private" },
        { operator: "starts-with", field: "key", value: "user/" },
        { operator: "eq", field: "x-amz-meta-a", value: "" },
      ],
      minBytes: 1,
      maxBytes: 1_048_576,
    });
  });

  test("of several ranges allows what all allow", () => {
    const ranges = [
      ["content-length-range", 0, 10],
      ["content-length-range", 5, 20],
    ];
    expect(parse(ranges)).toMatchObject({ minBytes: 5, maxBytes: 10 });
  });

  test("may escape a dollar sign, and a backslash before one", () => {
    const text = `{"expiration":"${END}","conditions":[{"key":"\\$a"},{"acl":"\\\\$b"}]}`;
    expect(parsePolicy(encode(text)).conditions.map(({ value }) => value)).toEqual(["$a", "\\$b"]);
  });

  test.each<[string, unknown]>([
    ["no JSON", "{"],
    ["a text", '"x"'],
    ["a list", []],
    ["null", null],
    ["no expiration", { conditions: [] }],
    ["no conditions", { expiration: END }],
    ["other capitals", { Expiration: END, CONDITIONS: [] }],
    ["a time with a space", { expiration: "2030-01-01 00:00:00+00:00", conditions: [] }],
    ["a day that is none", { expiration: "2030-02-31T25:00:00Z", conditions: [] }],
    ["a number as time", { expiration: 1, conditions: [] }],
    ...(
      [
        {},
        { a: "1", b: "2" },
        { a: 1 },
        null,
        "eq",
        [],
        ["eq", "$a"],
        ["eq", "a", "b"],
        ["eq", "$a", 1],
        ["eq", "$a", "b", "c"],
        ["ends-with", "$a", "b"],
        ["content-length-range", 0],
        ["content-length-range", -1, 0],
        ["content-length-range", 2, 1],
        ["content-length-range", 0, 1, 2],
        ["content-length-range", 0, 1e300],
        ["content-length-range", "0", "0x10"],
        ["content-length-range", [0], 1],
        [{ toString: 1 }, "$a", "b"],
        [["eq"], "$a", "b"],
      ] as unknown[]
    ).map((one): [string, unknown] => [
      JSON.stringify(one),
      { expiration: END, conditions: [one] },
    ]),
  ])("%s is refused", (_, document) => {
    expect(() => parsePolicy(encode(document))).toThrow(
      expect.objectContaining({ code: "InvalidPolicyDocument" }),
    );
  });

  test("with an operator of as many lists as a form can hold is refused", () => {
    const depth = 7000;
    const text = `{"expiration":"${END}","conditions":[[${"[".repeat(depth)}${"]".repeat(depth)},1,2]]}`;
    expect(() => parsePolicy(Buffer.from(text).toString("base64"))).toThrow(
      expect.objectContaining({ code: "InvalidPolicyDocument" }),
    );
  });
});

describe("fields", () => {
  const refused = expect.objectContaining({ code: "AccessDenied" });

  test("that all conditions name, and that fit them", () => {
    judge([["starts-with", "$key", "user/"], { acl: "private" }], {
      key: "user/a",
      acl: "private",
    });
    judge([["starts-with", "$key", ""]], { key: "anything" });
  });

  test("that prove or are to be ignored, and checksums, need no condition", () => {
    judge([{ key: "k" }], {
      key: "k",
      policy: "p",
      awsaccesskeyid: "a",
      signature: "s",
      "x-amz-signature": "s",
      "x-ignore-this": "i",
      "x-amz-checksum-sha256": "c",
    });
  });

  test.each<[string, unknown[], Record<string, string>]>([
    ["of another value", [{ key: "k" }], { key: "K" }],
    ["of another beginning", [["starts-with", "$key", "a/"]], { key: "A/b" }],
    ["that are missing", [{ key: "k" }, ["starts-with", "$acl", ""]], { key: "k" }],
    ["that no condition names", [{ key: "k" }], { key: "k", "x-amz-meta-a": "" }],
    ["that only seem to be exempt", [{ key: "k" }], { key: "k", "x-amz-checksum-md5": "" }],
    [
      "for which one of two conditions fails",
      [{ key: "k" }, ["starts-with", "$key", "x"]],
      { key: "k" },
    ],
    [
      "of a credential that the policy does not name",
      [{ key: "k" }],
      { key: "k", "x-amz-credential": "c" },
    ],
  ])("%s are refused", (_, conditions, fields) => {
    expect(() => judge(conditions, fields)).toThrow(refused);
  });

  test("of types are judged one by one", () => {
    const images = [["starts-with", "$Content-Type", "image/"]];
    judge(images, { "content-type": "image/png, image/jpeg" });
    expect(() => judge(images, { "content-type": "image/png,text/html" })).toThrow(refused);
  });

  test("for another bucket are refused, whatever the form says of it", () => {
    const policy = parse([{ bucket: "b" }, { key: "k" }]);
    const fields = new Map([
      ["key", "k"],
      ["bucket", "b"],
    ]);
    judgePolicy(policy, fields, "b", BEFORE_MS);
    expect(() => judgePolicy(policy, fields, "c", BEFORE_MS)).toThrow(refused);
    expect(() => judgePolicy(parse([{ key: "k" }]), new Map([["key", "k"]]), "b", 0)).toThrow(
      "Extra input fields: bucket",
    );
  });

  test("are late from the moment of the expiration", () => {
    expect(() => judge([{ key: "k" }], { key: "k" }, BEFORE_MS + 1)).toThrow("Policy expired");
  });
});
