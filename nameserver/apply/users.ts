/** Commands on users and their access keys. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys } from "../keyspace.ts";
import type { UserRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const ID = /^[\w$.@:+=-]{1,128}$/;
const ACCESS_KEY = /^[\w.-]{3,128}$/;
const SECRET_KEY = /^[!-~]{8,128}$/;

function demand(holds: boolean, message: string): void {
  if (!holds) throw new QuarryError("InvalidArgument", message);
}

function userRow({ rows }: ApplyContext, user: string): UserRow {
  const row = rows.get(keys.user(user));
  if (row === undefined) throw new QuarryError("NoSuchUser", `there is no user ${user}`);
  return row;
}

export function putUser(context: ApplyContext, { user }: Of<"putUser">): CommandResult {
  const { rows, timeMs } = context;
  const { id, ...described } = user;
  demand(ID.test(id), "a user id has 1 to 128 letters, digits and .-_$@:+=");
  demand(described.displayName.length <= 256, "a display name has at most 256 characters");
  const before = rows.get(keys.user(id));
  if (before?.email !== undefined) rows.delete(keys.email(before.email));
  if (described.email !== undefined) {
    const taken = rows.get(keys.email(described.email));
    if (taken !== undefined)
      throw new QuarryError("UserExists", `${described.email} is the address of ${taken.user}`);
    rows.put(keys.email(described.email), { user: id });
  }
  rows.put(keys.user(id), {
    ...described,
    createdMs: before?.createdMs ?? timeMs,
    accessKeys: before?.accessKeys ?? [],
  });
  return { type: "done" };
}

export function removeUser(context: ApplyContext, { user }: Of<"removeUser">): CommandResult {
  const { rows } = context;
  const row = userRow(context, user);
  const owned = rows.get(keys.owner(user))?.buckets ?? 0;
  if (owned > 0)
    throw new QuarryError("UserOwnsBuckets", `${user} owns ${owned} buckets; remove them first`);
  for (const accessKey of row.accessKeys) rows.delete(keys.accessKey(accessKey));
  if (row.email !== undefined) rows.delete(keys.email(row.email));
  rows.delete(keys.user(user));
  return { type: "done" };
}

/** Gives a user a key; one that the user has already gets the new secret. */
export function putAccessKey(
  context: ApplyContext,
  { user, accessKey, secretKey }: Of<"putAccessKey">,
): CommandResult {
  const { rows, timeMs } = context;
  demand(ACCESS_KEY.test(accessKey), "an access key has 3 to 128 letters, digits and .-_");
  demand(SECRET_KEY.test(secretKey), "a secret key has 8 to 128 printable characters, no spaces");
  const row = userRow(context, user);
  const holder = rows.get(keys.accessKey(accessKey));
  if (holder !== undefined && holder.user !== user)
    throw new QuarryError("UserExists", `the access key ${accessKey} is another user's`);
  rows.put(keys.accessKey(accessKey), { user, secretKey, createdMs: timeMs });
  if (holder !== undefined) return { type: "done" };
  if (row.accessKeys.length >= limits.accessKeysPerUser)
    throw new QuarryError(
      "QuotaExceeded",
      `a user has at most ${limits.accessKeysPerUser} access keys; remove one first`,
    );
  rows.put(keys.user(user), { ...row, accessKeys: [...row.accessKeys, accessKey] });
  return { type: "done" };
}

export function removeAccessKey(
  context: ApplyContext,
  { accessKey }: Of<"removeAccessKey">,
): CommandResult {
  const { rows } = context;
  const holder = rows.get(keys.accessKey(accessKey));
  if (holder === undefined)
    throw new QuarryError("NoSuchUser", `there is no access key ${accessKey}`);
  const row = userRow(context, holder.user);
  rows.delete(keys.accessKey(accessKey));
  const accessKeys = row.accessKeys.filter((key) => key !== accessKey);
  rows.put(keys.user(holder.user), { ...row, accessKeys });
  return { type: "done" };
}
