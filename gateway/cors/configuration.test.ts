import { expect, test } from "vitest";
import { corsXml, parseCors } from "./configuration.ts";

const xml = (rules: string) => Buffer.from(`<CORSConfiguration>${rules}</CORSConfiguration>`);
const ORIGIN = "<AllowedOrigin>*</AllowedOrigin>";
const METHOD = "<AllowedMethod>GET</AllowedMethod>";
const rule = (more = "") => `<CORSRule>${ORIGIN}${METHOD}${more}</CORSRule>`;

test("what comes in goes out", () => {
  const more =
    "<ID>a &amp; b</ID><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader>" +
    "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds>";
  const rules = parseCors(xml(rule(more) + rule()));
  expect(rules).toEqual([
    {
      id: "a & b",
      allowedOrigins: ["*"],
      allowedMethods: ["GET", "PUT"],
      allowedHeaders: ["x-amz-*"],
      exposeHeaders: ["ETag"],
      maxAgeSeconds: 3000,
    },
    { allowedOrigins: ["*"], allowedMethods: ["GET"], allowedHeaders: [], exposeHeaders: [] },
  ]);
  expect(parseCors(Buffer.from(corsXml(rules)))).toEqual(rules);
});

test("a hundred rules and no more", () => {
  expect(parseCors(xml(rule().repeat(100)))).toHaveLength(100);
  expect(() => parseCors(xml(rule().repeat(101)))).toThrow("at most 100");
});

test.each([
  ["", "MalformedXML"],
  ["<Other/>", "MalformedXML"],
  [`${rule()}<Other/>`, "MalformedXML"],
  [rule("<Other/>"), "MalformedXML"],
  [rule("<MaxAgeSeconds>-1</MaxAgeSeconds>"), "MalformedXML"],
  [rule("<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds>"), "MalformedXML"],
  [`<CORSRule>${METHOD}</CORSRule>`, "MalformedXML"],
  [`<CORSRule>${ORIGIN}</CORSRule>`, "MalformedXML"],
  [rule("<AllowedMethod>get</AllowedMethod>"), "InvalidRequest"],
  [rule("<AllowedMethod>OPTIONS</AllowedMethod>"), "InvalidRequest"],
  [rule("<AllowedOrigin>http://*.*</AllowedOrigin>"), "InvalidRequest"],
  [rule("<AllowedOrigin></AllowedOrigin>"), "InvalidRequest"],
  [rule("<AllowedHeader>*-*</AllowedHeader>"), "InvalidRequest"],
  [rule("<ExposeHeader>x-*</ExposeHeader>"), "InvalidRequest"],
  [rule(`<ID>${"x".repeat(256)}</ID>`), "InvalidRequest"],
])("%s is refused", (rules, code) => {
  expect(() => parseCors(xml(rules))).toThrow(expect.objectContaining({ code }));
});

// CVE-2020-10753 and CVE-2021-3524: what a rule says stood in answers unchecked, line ends included
test.each(["AllowedOrigin", "AllowedHeader", "ExposeHeader"])(
  "no line end can come into an answer's head by %s",
  (name) => {
    for (const end of [
      "&#10;",
      "&#13;",
      "&#xD;&#xA;",
      "\n",
      "\r",
      "&#0;",
      "&#127;",
      "&#x85;",
      " ",
    ]) {
      const more = `<${name}>x${end}Set-Cookie: y</${name}>`;
      expect(() => parseCors(xml(rule(more)))).toThrow(
        expect.objectContaining({ code: "InvalidRequest" }),
      );
    }
  },
);
