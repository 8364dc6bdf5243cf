/**
 * A cluster without a key for its root user can be used by nobody. The first key comes from
 * `quarry admin root`, or from the environment of a gateway; later ones never from there, so that
 * gateways which were started differently do not take it from each other.
 */
import type { NameService } from "../../rpc/name-service.ts";
import { establishUser, rootUser } from "../serve/establish-users.ts";
import type { RootCredentials } from "../serve/root-credentials.ts";

/** Gives what there is to say to whoever started the gateway. */
export async function seeToFirstKey(
  names: NameService,
  given: RootCredentials | undefined,
): Promise<string | undefined> {
  const root = await names.user({ id: rootUser.id });
  const known = root?.accessKeys ?? [];
  if (known.length === 0 && given !== undefined) {
    await establishUser(names, rootUser, [given]);
    return undefined;
  }
  if (known.length === 0)
    return "the root user has no key yet, so nobody can use this store: make one with `quarry admin root --save root-credentials --nameservers … --secret-file …`";
  if (given !== undefined && !known.includes(given.accessKey))
    return "QUARRY_ROOT_ACCESS_KEY is not the root user's key and is left alone; `quarry admin root` changes that key";
  return undefined;
}
