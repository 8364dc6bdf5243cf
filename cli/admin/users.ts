/** `quarry admin user`: who may use the store. */

import type { S3Client } from "@aws-sdk/client-s3";
import { Command, InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import type { UserInfo } from "../../rpc/objects.ts";
import { type ConnectOptions, connect, storeCommand } from "../objects/connect.ts";
import { freshKeys } from "../serve/root-credentials.ts";
import { adminRequest } from "./request.ts";
import { type QuotaOptions, quotaOf, saidQuota, withQuotaOptions } from "./user-quota.ts";

type KnownUser = UserInfo & { readonly accessKeys: readonly string[] };

const MAX_PAGES = 10_000;

async function allUsers(client: S3Client): Promise<KnownUser[]> {
  const all: KnownUser[] = [];
  let marker = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { "quarry-users": "", ...(marker !== "" && { marker }) };
    const text = await adminRequest(client, { method: "GET", query });
    const { users, next } = JSON.parse(text) as { users: KnownUser[]; next?: string };
    all.push(...users);
    if (next === undefined) break;
    marker = next;
  }
  return all;
}

/** The one user with this id, display name or e-mail address. */
async function findUser(client: S3Client, name: string): Promise<KnownUser> {
  const found = (await allUsers(client)).filter(
    ({ id, displayName, email }) => id === name || displayName === name || email === name,
  );
  const [only] = found;
  if (only === undefined)
    throw new QuarryError("NoSuchUser", `there is no user ${name}; see: quarry admin user ls`);
  if (found.length > 1)
    throw new QuarryError(
      "InvalidArgument",
      `${found.length} users are called ${name}; give the id`,
    );
  return only;
}

async function give(client: S3Client, body: unknown): Promise<void> {
  await adminRequest(client, { method: "POST", query: { "quarry-admin": "" }, body });
}

async function giveKeys(client: S3Client, user: string) {
  const keys = freshKeys(systemRandom);
  await give(client, { type: "putAccessKey", user, ...keys });
  return keys;
}

function showKeys(
  user: { readonly id: string; readonly displayName: string },
  keys: { readonly accessKey: string; readonly secretKey: string },
  json: boolean | undefined,
): void {
  if (json) console.log(JSON.stringify({ ...user, ...keys }));
  else
    console.log(`  user        ${user.displayName}
  id          ${user.id}
  access key  ${keys.accessKey}
  secret key  ${keys.secretKey}

Keep the secret now: it is not shown again (quarry admin user rotate makes a new one).`);
}

interface AddOptions extends QuotaOptions {
  readonly id?: string;
  readonly email?: string;
  readonly tenant?: string;
}

function userOf(name: string, options: AddOptions): UserInfo {
  const { email, tenant } = options;
  const quota = quotaOf(options);
  return {
    id: options.id ?? systemRandom.bytes(32).toString("hex"),
    displayName: name,
    ...(email !== undefined && { email }),
    ...(tenant !== undefined && { tenant }),
    ...(quota !== undefined && { quota }),
  };
}

function addCommand(): Command {
  const command = storeCommand("add", "make a user with a fresh pair of keys")
    .argument("<name>")
    .option("--id <id>", "canonical id; by default one is drawn")
    .option("--email <address>", "for ACLs that name users by e-mail")
    .option("--tenant <name>", "which tenant the user belongs to");
  return withQuotaOptions(command)
    .addHelpText("after", "\nExample:\n  quarry admin user add ada --max-bytes 100GiB")
    .action(async (name: string, options: AddOptions) => {
      const client = connect(options);
      if (name === "") throw new InvalidArgumentError("A user needs a name.");
      const known = await allUsers(client);
      if (known.some(({ id, displayName }) => id === options.id || displayName === name))
        throw new QuarryError("UserExists", `there is a user ${options.id ?? name} already`);
      const user = userOf(name, options);
      await give(client, { type: "putUser", user });
      showKeys(user, await giveKeys(client, user.id), options.json);
    });
}

function limitsOf({ quota }: UserInfo): string {
  return quota === undefined ? "" : `  at most ${saidQuota(quota)}`;
}

function lsCommand(): Command {
  return storeCommand("ls", "list users and their access keys").action(
    async (options: ConnectOptions) => {
      for (const user of await allUsers(connect(options)))
        console.log(
          options.json
            ? JSON.stringify(user)
            : `${user.displayName.padEnd(20)}  ${user.accessKeys.join(", ").padEnd(22)}  ${user.id}${limitsOf(user)}`,
        );
    },
  );
}

function rmCommand(): Command {
  return storeCommand("rm", "remove a user who owns no buckets; the keys end at once")
    .argument("<user>", "name, id or e-mail")
    .action(async (name: string, options: ConnectOptions) => {
      const client = connect(options);
      const user = await findUser(client, name);
      await give(client, { type: "removeUser", user: user.id });
      console.log(
        options.json ? JSON.stringify({ removed: user.id }) : `removed ${user.displayName}`,
      );
    });
}

function rotateCommand(): Command {
  return storeCommand("rotate", "give a user new keys; the old ones end at once")
    .argument("<user>", "name, id or e-mail")
    .option("--keep-old", "let the old keys work on, until the next rotation")
    .action(async (name: string, options: ConnectOptions & { readonly keepOld?: boolean }) => {
      const client = connect(options);
      const user = await findUser(client, name);
      const keys = await giveKeys(client, user.id);
      if (options.keepOld !== true)
        for (const accessKey of user.accessKeys)
          await give(client, { type: "removeAccessKey", accessKey });
      showKeys(user, keys, options.json);
    });
}

function quotaCommand(): Command {
  return withQuotaOptions(storeCommand("quota", "limit what a user's buckets may hold together"))
    .argument("<user>", "name, id or e-mail")
    .option("--none", "no limit any more")
    .addHelpText(
      "after",
      "\nWhat is not named is not limited.\n\nExample:\n  quarry admin user quota ada --max-bytes 200GiB --max-buckets 10",
    )
    .action(async (name: string, options: QuotaOptions & { readonly none?: boolean }) => {
      const quota = quotaOf(options);
      if ((quota === undefined) !== (options.none === true))
        throw new QuarryError(
          "InvalidArgument",
          "give --max-bytes, --max-objects or --max-buckets, or --none",
        );
      const client = connect(options);
      const { accessKeys: _keys, quota: _before, ...user } = await findUser(client, name);
      const changed: UserInfo = { ...user, ...(quota !== undefined && { quota }) };
      await give(client, { type: "putUser", user: changed });
      console.log(
        options.json ? JSON.stringify(changed) : `${user.displayName} may hold ${saidQuota(quota)}`,
      );
    });
}

export function userCommand(): Command {
  return new Command("user")
    .description("users and their keys")
    .addCommand(addCommand())
    .addCommand(lsCommand())
    .addCommand(rmCommand())
    .addCommand(rotateCommand())
    .addCommand(quotaCommand());
}
