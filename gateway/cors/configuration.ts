/**
 * CORS rules as XML. What a rule holds goes into headers of answers, so it is held to what a header
 * can be when it comes in.
 */
import { limits } from "../../base/limits.ts";
import type { CorsRule } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import { childrenOf, parseXml, textOf, type XmlNode } from "../xml-read.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";

const methods = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);
const elements = new Set([
  "ID",
  "AllowedOrigin",
  "AllowedMethod",
  "AllowedHeader",
  "ExposeHeader",
  "MaxAgeSeconds",
]);
const ID_CHARS = 255;

const printable = /^[\x21-\x7e]+$/;
const headerName = /^[A-Za-z0-9!#$%&'+.^_`|~-]+$/;
const headerPattern = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

export function parseCors(xml: Uint8Array): CorsRule[] {
  const root = parseXml(xml, "CORSConfiguration");
  const rules = childrenOf(root, "CORSRule");
  if (rules.length === 0 || rules.length !== root.children.length)
    throw new S3Error("MalformedXML");
  if (rules.length > limits.corsRules)
    throw new S3Error("InvalidRequest", `A bucket has at most ${limits.corsRules} CORS rules.`);
  return rules.map(ruleOf);
}

function ruleOf(node: XmlNode): CorsRule {
  if (node.children.some(({ name }) => !elements.has(name))) throw new S3Error("MalformedXML");
  const texts = (name: string) => childrenOf(node, name).map((child) => child.text.trim());
  const id = textOf(node, "ID");
  const maxAge = textOf(node, "MaxAgeSeconds")?.trim();
  const rule: CorsRule = {
    ...(id !== undefined && { id }),
    allowedOrigins: texts("AllowedOrigin"),
    allowedMethods: texts("AllowedMethod"),
    allowedHeaders: texts("AllowedHeader"),
    exposeHeaders: texts("ExposeHeader"),
    ...(maxAge !== undefined && { maxAgeSeconds: secondsOf(maxAge) }),
  };
  check(rule);
  return rule;
}

function secondsOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new S3Error("MalformedXML");
  return Number(text);
}

function check(rule: CorsRule): void {
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0)
    throw new S3Error("MalformedXML");
  if ((rule.id?.length ?? 0) > ID_CHARS)
    throw new S3Error(
      "InvalidRequest",
      `The ID of a CORS rule has at most ${ID_CHARS} characters.`,
    );
  for (const method of rule.allowedMethods)
    if (!methods.has(method))
      throw new S3Error(
        "InvalidRequest",
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      );
  for (const origin of rule.allowedOrigins) checkPattern("AllowedOrigin", origin, printable);
  for (const name of rule.allowedHeaders) checkPattern("AllowedHeader", name, headerPattern);
  for (const name of rule.exposeHeaders)
    if (!headerName.test(name))
      throw new S3Error(
        "InvalidRequest",
        `ExposeHeader "${name}" is not the name of a header; wildcards are not allowed there.`,
      );
}

function checkPattern(what: string, text: string, form: RegExp): void {
  if (!form.test(text))
    throw new S3Error("InvalidRequest", `${what} "${text}" has characters that it cannot have.`);
  if (text.indexOf("*") !== text.lastIndexOf("*"))
    throw new S3Error("InvalidRequest", `${what} "${text}" can not have more than one wildcard.`);
}

export function corsXml(rules: readonly CorsRule[]): string {
  const all = (name: string, texts: readonly string[]) =>
    texts.map((text) => element(name, text)).join("");
  const rows = rules.map((rule) =>
    wrap(
      "CORSRule",
      element("ID", rule.id) +
        all("AllowedMethod", rule.allowedMethods) +
        all("AllowedOrigin", rule.allowedOrigins) +
        all("AllowedHeader", rule.allowedHeaders) +
        all("ExposeHeader", rule.exposeHeaders) +
        element("MaxAgeSeconds", rule.maxAgeSeconds),
    ),
  );
  return xmlDocument("CORSConfiguration", rows.join(""));
}
