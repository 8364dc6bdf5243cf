/**
 * The id of a file as the key of an object, one to one:
 *
 *   ObjectId   its 24 hex digits
 *   text       itself, so that it is the same name in S3
 *   all else   `=` and its JSON (documents.ts), as is text that would read as one of these or has
 *              characters that cannot be printed
 */
import type { PlainValue } from "../../rpc/streams.ts";
import { fromPlain, toPlain } from "./documents.ts";
import { MongoInvalidArgumentError } from "./errors.ts";
import { isObjectIdLike, ObjectId } from "./object-id.ts";

const HEX = /^[0-9a-f]{24}$/;

export function keyOfId(id: unknown): string {
  if (isObjectIdLike(id)) return id.toHexString().toLowerCase();
  if (id === undefined || Array.isArray(id))
    throw new MongoInvalidArgumentError("an _id is any value but undefined or an array");
  if (typeof id === "string" && isOwnKey(id)) return id;
  // A number is the same number whatever type it has, as it is to MongoDB.
  return `=${JSON.stringify(toPlain(id, "_id"))}`;
}

export function idOfKey(key: string): unknown {
  if (HEX.test(key)) return new ObjectId(key);
  if (!key.startsWith("=")) return key;
  try {
    const id = fromPlain(JSON.parse(key.slice(1)) as PlainValue);
    return keyOfId(id) === key ? id : key;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof MongoInvalidArgumentError) return key;
    throw error;
  }
}

const isOwnKey = (id: string) =>
  id !== "" && !id.startsWith("=") && !HEX.test(id) && id.isWellFormed() && !/\p{Cc}/u.test(id);
