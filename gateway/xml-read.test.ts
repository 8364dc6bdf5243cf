import { describe, expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { S3Error } from "./s3/errors.ts";
import { childrenOf, parseXml, textOf } from "./xml-read.ts";
import { escapeXml } from "./xml-write.ts";

const parse = (text: string) => parseXml(Buffer.from(text), "Delete");

describe("what clients send", () => {
  test("elements, a namespace, a declaration, keys kept to the last blank", () => {
    const root = parse(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n <Object><Key> a&amp;b&#x20AC;&#13; </Key></Object>\n <Object><Key>1.0</Key></Object></Delete>',
    );
    expect(childrenOf(root, "Object").map((o) => textOf(o, "Key"))).toEqual([" a&b€\r ", "1.0"]);
  });

  test("what is written can be read", () => {
    const key = "a<b>&\"'\t\n\r\x01€";
    expect(textOf(parse(`<Delete><Key>${escapeXml(key)}</Key></Delete>`), "Key")).toBe(key);
  });
});

describe("what is refused", () => {
  test.each([
    [
      "CVE-2022-47950: an external entity, that would bring in a file",
      '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Key>&x;</Key></Delete>',
    ],
    [
      "CVE-2022-47950: a bomb of entities",
      '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete>&b;</Delete>',
    ],
    ["CVE-2022-47950: an external DTD", '<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd"><Delete/>'],
    ["an unknown entity", "<Delete><Key>&nbsp;</Key></Delete>"],
    ["a reference to no character", "<Delete><Key>&#xD800;</Key></Delete>"],
    ["a reference beyond Unicode", "<Delete><Key>&#x110000;</Key></Delete>"],
    ["a bare ampersand", "<Delete><Key>a & b</Key></Delete>"],
    ["nothing", ""],
    ["text", "hello"],
    ["JSON", "{}"],
    ["an open element", "<Delete><Key>"],
    ["crossed elements", "<Delete><a><b></a></b></Delete>"],
    ["another root", "<Remove/>"],
    ["two roots", "<Delete/><Delete/>"],
    ["a child that stands twice", "<Delete><Key>a</Key><Key>b</Key></Delete>"],
    ["depth", `<Delete>${"<a>".repeat(5000)}${"</a>".repeat(5000)}</Delete>`],
    ["more tags than a list of parts has", `<Delete>${"<b/>".repeat(limits.xmlTags)}</Delete>`],
    ["a constructor", "<Delete><constructor>1</constructor></Delete>"],
    ["a prototype", "<Delete><__proto__><x>1</x></__proto__></Delete>"],
  ])("%s", (_, text) => {
    expect(() => textOf(parse(text), "Key")).toThrow(S3Error);
  });

  test("bytes that are not UTF-8", () => {
    expect(() => parseXml(Buffer.from([0x3c, 0xff, 0x3e]), "Delete")).toThrow(S3Error);
  });
});
