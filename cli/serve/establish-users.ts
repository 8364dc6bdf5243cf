/** Users that a start brings along: they are in the metadata before the first request comes. */
import { ROOT_USER } from "../../gateway/identity.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { UserInfo } from "../../rpc/objects.ts";
import type { RootCredentials } from "./root-credentials.ts";

/** The root user, with the canonical id that ACLs and listings show. */
export const rootUser: UserInfo = {
  id: ROOT_USER,
  displayName: "root",
};

/** Makes a user be as described, with exactly these keys. */
export async function establishUser(
  names: NameService,
  user: UserInfo,
  keys: readonly RootCredentials[],
): Promise<void> {
  await names.execute({ type: "putUser", user });
  const known = await names.user({ id: user.id });
  for (const accessKey of known?.accessKeys ?? [])
    if (!keys.some((key) => key.accessKey === accessKey))
      await names.execute({ type: "removeAccessKey", accessKey });
  for (const key of keys) await names.execute({ type: "putAccessKey", user: user.id, ...key });
}
