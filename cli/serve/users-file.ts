/**
 * `quarry serve --users FILE`: users that a start makes, or makes be as the file says.
 *
 *     [{ "id": "…", "displayName": "Ada", "email": "ada@example.com",
 *        "accessKey": "…", "secretKey": "…", "tenant": "…", "quota": { "bytes": 1000000 } }]
 */
import { open } from "node:fs/promises";
import { z } from "zod";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { parseUser, userSchema, wrongShape } from "../../gateway/admin/commands.ts";
import { ROOT_USER } from "../../gateway/identity.ts";
import type { UserInfo } from "../../rpc/objects.ts";
import type { RootCredentials } from "./root-credentials.ts";

const fileSchema = z
  .array(userSchema.extend({ accessKey: z.string().min(3), secretKey: z.string().min(8) }))
  .max(limits.usersInFile);

export interface UserWithKey {
  readonly user: UserInfo;
  readonly key: RootCredentials;
}

/** @throws QuarryError `InvalidArgument` that says what is wrong with the file. */
export async function readUsersFile(path: string): Promise<UserWithKey[]> {
  const wrong = (why: string, cause?: unknown) =>
    new QuarryError("InvalidArgument", `${path}: ${why}`, { cause });
  await using file = await open(path, "r");
  if ((await file.stat()).size > limits.usersFileBytes) throw wrong("the file is too large");
  let value: unknown;
  try {
    value = JSON.parse(await file.readFile("utf8"));
  } catch (error) {
    throw wrong("this is no JSON", error);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw wrong(wrongShape(parsed.error));
  if (parsed.data.some(({ id }) => id === ROOT_USER))
    throw wrong("the root user is not described here; its keys are in root-credentials");
  return parsed.data.map(({ accessKey, secretKey, ...user }) => ({
    user: parseUser(user),
    key: { accessKey, secretKey },
  }));
}
