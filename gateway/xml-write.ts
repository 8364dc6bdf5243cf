/** XML out: text elements with escaping, joined by plain string concatenation. */

export const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for */
const special = /[&<>"\x00-\x1f\x7f\ufffe\uffff]/;
/** biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for */
const allSpecial = /[&<>"\x00-\x1f\x7f\ufffe\uffff]/g;

function escapeOne(char: string): string {
  switch (char) {
    case "&":
      return "&amp;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`;
  }
}

export function escapeXml(text: string): string {
  return special.test(text) ? text.replace(allSpecial, escapeOne) : text;
}

/** `<name>text</name>`; nothing at all for undefined. */
export function element(name: string, text: string | number | boolean | undefined): string {
  if (text === undefined) return "";
  return `<${name}>${typeof text === "string" ? escapeXml(text) : text}</${name}>`;
}

/** `<name>…</name>` around markup. */
export function wrap(name: string, inner: string): string {
  return `<${name}>${inner}</${name}>`;
}

/** A whole S3 document. */
export function xmlDocument(root: string, inner: string): string {
  return `${XML_HEAD}<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
