/**
 * The grammar of text maps:
 *
 *   map      = (tunable | device | type)* (bucket | rule)* choose_args*
 *   tunable  = "tunable" name natural
 *   device   = "device" natural name ["class" name]
 *   type     = "type" natural name
 *   bucket   = name name "{" id* "alg" name ("hash" (integer | "rjenkins1"))* item* "}"
 *   id       = "id" negative ["class" name]
 *   item     = "item" name ["weight" real] ["pos" natural]
 *   rule     = "rule" [name] "{" ("id" | "ruleset") natural "type" ("replicated" | "erasure")
 *              "min_size" natural "max_size" natural ("step" step)+ "}"
 *   step     = "take" name ["class" name] | set-op natural | "emit"
 *            | ("choose" | "chooseleaf") ("indep" | "firstn") integer "type" name
 *   choose_args = "choose_args" natural "{" ("{" "bucket_id" negative
 *              ["weight_set" "[" ("[" real* "]")* "]"] ["ids" "[" integer* "]"] "}")* "}"
 *
 * Each function below reads one of these; undefined means that something else stands there, and
 * the position is then back where it was.
 */
import { setOps } from "../map.ts";
import { parseChooseArgs } from "./grammar-choose-args.ts";
import * as read from "./scanner.ts";
import { many, type Scanner, tried } from "./scanner.ts";
import type {
  BucketBlock,
  Declaration,
  DeviceLine,
  ItemLine,
  RuleBlock,
  StepLine,
  TunableLine,
  TypeLine,
} from "./syntax.ts";

/** Reads a whole text; throws with the line number where it stops being a map. */
export function parse(text: string): Declaration[] {
  const scanner = read.scan(text);
  const declarations: Declaration[] = [
    ...many(scanner, (s) => tunable(s) ?? device(s) ?? type(s)),
    ...many(scanner, (s) => bucket(s) ?? rule(s)),
    ...many(scanner, parseChooseArgs),
  ];
  if (scanner.text.slice(scanner.at).trim() !== "") throw read.syntaxError(scanner);
  return declarations;
}

function tunable(s: Scanner): TunableLine | undefined {
  return tried(s, () => {
    if (!read.word(s, "tunable")) return undefined;
    const name = read.name(s);
    const value = name === undefined ? undefined : read.natural(s);
    if (name === undefined || value === undefined) return undefined;
    return { kind: "tunable", name, value };
  });
}

function device(s: Scanner): DeviceLine | undefined {
  return tried(s, () => {
    if (!read.word(s, "device")) return undefined;
    const id = read.natural(s);
    const name = id === undefined ? undefined : read.name(s);
    if (id === undefined || name === undefined) return undefined;
    return { kind: "device", id, name, class: deviceClass(s) };
  });
}

function deviceClass(s: Scanner): string | undefined {
  return tried(s, () => (read.word(s, "class") ? read.name(s) : undefined));
}

function type(s: Scanner): TypeLine | undefined {
  return tried(s, () => {
    if (!read.word(s, "type")) return undefined;
    const id = read.natural(s);
    const name = id === undefined ? undefined : read.name(s);
    if (id === undefined || name === undefined) return undefined;
    return { kind: "type", id, name };
  });
}

function bucket(s: Scanner): BucketBlock | undefined {
  return tried(s, () => {
    const typeName = read.name(s);
    const name = typeName === undefined ? undefined : read.name(s);
    if (typeName === undefined || name === undefined || !read.word(s, "{")) return undefined;
    const ids = many(s, bucketId);
    const algorithm = read.word(s, "alg") ? read.name(s) : undefined;
    if (algorithm === undefined) return undefined;
    const hashes = many(s, (inner) => (read.word(inner, "hash") ? hashOf(inner) : undefined));
    const items = many(s, item);
    if (!read.word(s, "}")) return undefined;
    return { kind: "bucket", type: typeName, name, ids, algorithm, hashes, items };
  });
}

function bucketId(s: Scanner): BucketBlock["ids"][number] | undefined {
  const id = read.word(s, "id") ? read.negative(s) : undefined;
  return id === undefined ? undefined : { id, class: deviceClass(s) };
}

function hashOf(s: Scanner): number | "rjenkins1" | undefined {
  return read.integer(s) ?? read.oneOf(s, "rjenkins1");
}

function item(s: Scanner): ItemLine | undefined {
  const name = read.word(s, "item") ? read.name(s) : undefined;
  if (name === undefined) return undefined;
  const weight = tried(s, () => (read.word(s, "weight") ? read.real(s) : undefined));
  const position = tried(s, () => (read.word(s, "pos") ? read.natural(s) : undefined));
  return { name, weight, position };
}

function rule(s: Scanner): RuleBlock | undefined {
  return tried(s, () => {
    if (!read.word(s, "rule")) return undefined;
    const name = tried(s, read.name);
    if (!read.word(s, "{")) return undefined;
    const id = read.oneOf(s, "id", "ruleset") === undefined ? undefined : read.natural(s);
    if (id === undefined || !read.word(s, "type")) return undefined;
    const kind = read.oneOf(s, "replicated", "erasure");
    if (kind === undefined || !read.word(s, "min_size")) return undefined;
    const minSize = read.natural(s);
    if (minSize === undefined || !read.word(s, "max_size")) return undefined;
    const maxSize = read.natural(s);
    if (maxSize === undefined) return undefined;
    const steps = many(s, step);
    if (steps.length === 0 || !read.word(s, "}")) return undefined;
    return { kind: "rule", name, id, type: kind, minSize, maxSize, steps };
  });
}

function step(s: Scanner): StepLine | undefined {
  if (!read.word(s, "step")) return undefined;
  return tried(s, take) ?? tried(s, set) ?? tried(s, choose) ?? emit(s);
}

function take(s: Scanner): StepLine | undefined {
  const item = read.word(s, "take") ? read.name(s) : undefined;
  return item === undefined ? undefined : { op: "take", item, class: deviceClass(s) };
}

function set(s: Scanner): StepLine | undefined {
  const op = read.oneOf(s, ...setOps);
  const value = op === undefined ? undefined : read.natural(s);
  return op === undefined || value === undefined ? undefined : { op, value };
}

function choose(s: Scanner): StepLine | undefined {
  const op = read.oneOf(s, "chooseleaf", "choose");
  const mode = op === undefined ? undefined : read.oneOf(s, "indep", "firstn");
  const count = mode === undefined ? undefined : read.integer(s);
  const typeName = count !== undefined && read.word(s, "type") ? read.name(s) : undefined;
  if (op === undefined || mode === undefined || count === undefined || typeName === undefined)
    return undefined;
  return { op, mode, count, type: typeName };
}

function emit(s: Scanner): StepLine | undefined {
  return read.word(s, "emit") ? { op: "emit" } : undefined;
}
