import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { BOUNDARY, type Field, FORM_TYPE, formBody } from "../../test/form-request.ts";
import { boundaryOf } from "./multipart.ts";
import { parsePartHead } from "./part-head.ts";
import { readForm } from "./read-form.ts";

async function* inPieces(body: Uint8Array, sizes: () => number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < body.length; ) {
    const size = Math.max(1, sizes());
    yield body.subarray(from, from + size);
    from += size;
  }
}

async function read(body: Uint8Array, sizes: () => number = () => 65_536, type = FORM_TYPE) {
  const { fields, file } = await readForm(type, inPieces(body, sizes));
  const parts: Uint8Array[] = [];
  for await (const part of file) parts.push(Buffer.from(part));
  return { fields: Object.fromEntries(fields), file: Buffer.concat(parts).toString("latin1") };
}

const code = (expected: string) => expect.objectContaining({ code: expected });
const file: Field = ["file", "bytes", "f"];

describe("a form", () => {
  test("comes out the same however it is cut, whatever its file looks like", async () => {
    const random = seededRandom(7);
    const below = (count: number) => random.u32() % count;
    const words = [
      "\r",
      "\n",
      "\r\n",
      "--",
      "\r\n--",
      BOUNDARY,
      `\r\n--${BOUNDARY}`,
      "x",
      "-",
      "\0",
    ];
    const end = new RegExp(`\r\n--${BOUNDARY}(--|\r\n)`);
    for (let round = 0; round < 300; round++) {
      const count = below(12);
      const content = Array.from({ length: count }, () => words[below(words.length)]).join("");
      const body = formBody([
        ["key", "ü"],
        ["empty", ""],
        ["file", Buffer.from(content, "latin1"), "f"],
      ]);
      // a file that holds its own end is over there
      const held = content.slice(0, `${content}\r\n--${BOUNDARY}--`.search(end));
      const got = await read(body, () => 1 + below(40));
      expect(got).toEqual({ fields: { key: "ü", empty: "" }, file: held });
    }
  });

  test("one byte at a time", async () => {
    const body = formBody([["key", "k"], file, ["later", "ignored"]]);
    expect(await read(body, () => 1)).toEqual({ fields: { key: "k" }, file: "bytes" });
  });

  test("with an empty file", async () => {
    expect((await read(formBody([["file", "", ""]]))).file).toBe("");
  });

  test("with something before its first part, and spaces behind a boundary", async () => {
    const body = `preamble\r\n--${BOUNDARY} \t\r\nContent-Type: x\r\ncontent-disposition:form-data;name=file\r\n\r\nbytes\r\n--${BOUNDARY}--`;
    expect((await read(Buffer.from(body))).file).toBe("bytes");
  });

  test.each<[string, Uint8Array | string, string]>([
    ["nothing", "", "MalformedPOSTRequest"],
    ["no boundary", "x".repeat(1000), "MalformedPOSTRequest"],
    ["no boundary for long", "x".repeat(30_000), "MaxPostPreDataLengthExceeded"],
    ["no parts", `--${BOUNDARY}--\r\n`, "IncorrectNumberOfFilesInPostRequest"],
    [
      "a part without a name",
      `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--${BOUNDARY}--`,
      "MalformedPOSTRequest",
    ],
    [
      "a part without a head",
      `--${BOUNDARY}\r\n\r\n\r\n\r\nx\r\n--${BOUNDARY}--`,
      "MalformedPOSTRequest",
    ],
    [
      "another kind of part",
      `--${BOUNDARY}\r\nContent-Disposition: attachment; name="file"\r\n\r\nx\r\n--${BOUNDARY}--`,
      "MalformedPOSTRequest",
    ],
    [
      "something behind a boundary",
      `--${BOUNDARY}x\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--${BOUNDARY}--`,
      "MalformedPOSTRequest",
    ],
    [
      "a field that does not end",
      formBody([["key", "k"]]).subarray(0, -30),
      "MalformedPOSTRequest",
    ],
    ["a file that does not end", formBody([file]).subarray(0, -6), "MalformedPOSTRequest"],
    [
      "a field twice, in other capitals",
      formBody([["key", "a"], ["KEY", "b"], file]),
      "InvalidArgument",
    ],
    [
      "a field that is not UTF-8",
      formBody([["key", Buffer.from([0xff])], file]),
      "InvalidArgument",
    ],
    [
      "a head of 20 KiB",
      formBody([["x".repeat(20_480), ""], file]),
      "MaxPostPreDataLengthExceeded",
    ],
  ])("of %s is refused", async (_, body, expected) => {
    await expect(read(Buffer.from(body as Uint8Array))).rejects.toThrow(code(expected));
  });

  test("20 KiB before the file are allowed, to the byte", async () => {
    const rest = formBody([["a", ""], file]).indexOf("bytes");
    const full = (bytes: number) => formBody([["a", "x".repeat(bytes - rest)], file]);
    expect((await read(full(20_480))).file).toBe("bytes");
    await expect(read(full(20_481))).rejects.toThrow(code("MaxPostPreDataLengthExceeded"));
  });

  test("an endless tail is not read", async () => {
    let asked = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield formBody([file]);
      for (;;) {
        asked++;
        yield Buffer.alloc(16_384);
      }
    }
    const form = await readForm(FORM_TYPE, endless());
    for await (const _ of form.file);
    expect(asked).toBeLessThan(8);
  });
});

test.each([
  ["multipart/form-data; boundary=abc", "abc"],
  ['Multipart/Form-Data; charset=utf-8; boundary="a b:c"', "a b:c"],
  ["multipart/form-data", undefined],
  ["multipart/form-data; boundary=", undefined],
  ["multipart/mixed; boundary=abc", undefined],
  ["text/plain; x=multipart/form-data; boundary=abc", undefined],
  [`multipart/form-data; boundary=${"x".repeat(71)}`, undefined],
  [undefined, undefined],
])("the boundary of %s is %s", (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});

const wire = (text: string) => Buffer.from(text).toString("latin1");

test.each([
  ['form-data; name="File"; filename="a.txt"', { name: "file", filename: "a.txt" }],
  ["form-data; filename=a.txt; name=file", { name: "file", filename: "a.txt" }],
  ['form-data; name="file"; filename="C:\\dir\\a.txt"', { name: "file", filename: "a.txt" }],
  ['form-data; name="file"; filename="../../etc/passwd"', { name: "file", filename: "passwd" }],
  ['form-data; name="file"; filename="dir/"', { name: "file", filename: "" }],
  ['form-data; name="file"; filename="a\\"; b=\\".txt"', { name: "file", filename: 'a"; b=".txt' }],
  [wire('form-data; name="file"; filename="ü.txt"'), { name: "file", filename: "ü.txt" }],
  ["form-data; name=file; filename*=utf-8''%C3%BC.txt", { name: "file", filename: "ü.txt" }],
])("%s", (value, head) => {
  expect(parsePartHead(`Content-Type: x\r\nContent-Disposition: ${value}`)).toEqual(head);
});

test("a name that stands twice is refused", () => {
  expect(() => parsePartHead("Content-Disposition: form-data; name=a; name=b")).toThrow(
    code("MalformedPOSTRequest"),
  );
});
