/** The URL parser: any key comes back as it was encoded, one meaning has one spelling, nothing breaks it. */
import { encodeKey } from "../../gateway/percent.ts";
import { canonicalQuery, parseTarget } from "../../gateway/target.ts";
import type { Chance } from "./chance.ts";
import { check, outcomeOf, type Target } from "./rounds.ts";

const SCRAPS = [
  "%2F",
  "%2f",
  "%",
  "%%",
  "%00",
  "%ff",
  "%C3%A9",
  "..",
  "//",
  "./",
  "?",
  "&",
  "=",
  "+",
  "#",
  "http://a",
  "*",
  "%2e%2e/",
];

function scrapUrl(chance: Chance): string {
  let url = chance.once(8) ? "" : "/";
  for (let left = chance.upTo(12); left > 0; left--)
    url += chance.once(2) ? (chance.one(SCRAPS) ?? "") : chance.text(4);
  // A request target carries bytes: Node hands them over as latin1.
  return Buffer.from(url, "utf8").toString("latin1");
}

/** Some of the bytes that need no escape escaped all the same, in either case. */
function otherSpelling(chance: Chance, encoded: string): string {
  return encoded.replace(/%[0-9A-F]{2}|[A-Za-z0-9._~-]/g, (part) => {
    if (part.startsWith("%")) return chance.once(2) ? part.toLowerCase() : part;
    return chance.once(4) ? `%${part.charCodeAt(0).toString(16)}` : part;
  });
}

function fromKey(chance: Chance): string {
  const key = chance.text(40);
  const path = `/bucket/${encodeKey(key)}`;
  const target = parseTarget(otherSpelling(chance, path), "h");
  check(target.bucket === "bucket" && target.key === key, "the key came back otherwise");
  check(target.canonicalPath === path, "the canonical path is not the one spelling");
  return "key";
}

function fromScraps(url: string): string {
  const target = parseTarget(url, "h");
  const query = canonicalQuery(target.query);
  const again = parseTarget(`${target.canonicalPath}?${query}`, "h");
  check(again.canonicalPath === target.canonicalPath, "the canonical path is not stable");
  check(again.bucket === target.bucket && again.key === target.key, "another name");
  check(canonicalQuery(again.query) === query, "the canonical query is not stable");
  for (const [name, value] of target.query)
    check(again.query.get(name) === value, "a parameter came back otherwise");
  check(Buffer.byteLength(target.key) <= 1024, "too long a key");
  return "parsed";
}

export const targetParser: Target = {
  name: "target",
  run({ chance, trying }) {
    if (chance.once(3)) return outcomeOf(() => fromKey(chance));
    const url = scrapUrl(chance);
    trying(url);
    return outcomeOf(() => fromScraps(url));
  },
};
