/** The parameter `partNumber`. */
import { limits } from "../../base/limits.ts";
import { S3Error } from "./errors.ts";

export function partNumberOf(query: ReadonlyMap<string, string>): number {
  const text = query.get("partNumber") ?? "";
  const part = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (part < 1 || part > limits.partNumber)
    throw new S3Error(
      "InvalidArgument",
      `Part number must be an integer between 1 and ${limits.partNumber}, inclusive`,
      { ArgumentName: "partNumber", ArgumentValue: text },
    );
  return part;
}
