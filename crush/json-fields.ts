/** Reading fields of JSON that may not have them. */
import { QuarryError } from "../base/errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

const refuse = (message: string): never => {
  throw new QuarryError("InvalidArgument", `CRUSH map: ${message}`);
};

/** The fields of an object. */
export function entries(json: unknown, what: string): Fields {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Fields;
  return refuse(`${what} is no object`);
}

export function textField(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : refuse(`field ${name} is no text`);
}

export function integerField(fields: Fields, name: string): number {
  const value = fields[name];
  return Number.isSafeInteger(value) ? (value as number) : refuse(`field ${name} is no integer`);
}

/** A list of objects. */
export function listField(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  if (!Array.isArray(value)) return refuse(`field ${name} is no list`);
  return value.map((each: unknown) => entries(each, `a member of ${name}`));
}
