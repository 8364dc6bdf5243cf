/**
 * Part of the load of `kill.ts`: users and access keys come, change and go by the verbs of the root
 * user. What is known of a user is the name and the keys that the list of users tells.
 */
import type { Random } from "../../base/random.ts";
import { rootKeys } from "../server-process.ts";
import { sha256, signRequest } from "../sign-request.ts";
import type { KillModel, State } from "./kill-model.ts";

const USERS_PER_CLIENT = 3;
const KEYS_PER_USER = 2;

interface User {
  readonly id: string;
  readonly displayName: string;
  readonly accessKeys: readonly string[];
}

const stateOf = (user: User | undefined): State =>
  user === undefined
    ? undefined
    : `${user.displayName} with ${[...user.accessKeys].sort().join(" ")}`;

export class UsersLoad {
  readonly #model: KillModel;
  #version = 0;

  constructor(model: KillModel) {
    this.#model = model;
  }

  async verify(endpoint: string): Promise<void> {
    const users = await readUsers(endpoint);
    for (const id of this.#model.keys()) this.#model.observe(id, stateOf(users.get(id)));
  }

  /** One change of one user. No other client changes it. */
  async step(endpoint: string, index: number, chance: Random): Promise<void> {
    const id = `user-${index}-${chance.u32() % USERS_PER_CLIENT}`;
    const now = (await readUsers(endpoint)).get(id);
    this.#model.observe(id, stateOf(now));
    const displayName = `name ${++this.#version}`;
    const accessKey = `${id}-${chance.u32() % KEYS_PER_USER}`;
    const known = now?.accessKeys.includes(accessKey) === true;
    const draw = chance.u32() % 4;
    const [command, after] =
      now === undefined || draw === 0
        ? [
            { type: "putUser", user: { id, displayName } },
            { ...now, id, displayName, accessKeys: now?.accessKeys ?? [] },
          ]
        : draw === 1
          ? [{ type: "removeUser", user: id }, undefined]
          : known
            ? [
                { type: "removeAccessKey", accessKey },
                { ...now, accessKeys: now.accessKeys.filter((one) => one !== accessKey) },
              ]
            : [
                { type: "putAccessKey", user: id, accessKey, secretKey: "a-secret-for-tests" },
                { ...now, accessKeys: [...now.accessKeys, accessKey] },
              ];
    this.#model.begin(id, stateOf(after));
    await send(endpoint, "POST", "/?quarry-admin=", JSON.stringify(command));
    this.#model.acknowledge(id, stateOf(after));
  }
}

async function readUsers(endpoint: string): Promise<Map<string, User>> {
  const found = new Map<string, User>();
  for (let marker: string | undefined = ""; marker !== undefined; ) {
    const query: string = marker === "" ? "" : `marker=${encodeURIComponent(marker)}&`;
    const text = await send(endpoint, "GET", `/?${query}quarry-users=`, "");
    const page = JSON.parse(text) as { users: User[]; next?: string };
    for (const user of page.users) found.set(user.id, user);
    marker = page.next;
  }
  return found;
}

async function send(endpoint: string, method: string, url: string, body: string) {
  const signer = {
    accessKey: rootKeys.accessKeyId,
    secretKey: rootKeys.secretAccessKey,
    region: "us-east-1",
  };
  const host = new URL(endpoint).host;
  const { headers } = signRequest(signer, method, url, { host }, sha256(body), Date.now());
  const answer = await fetch(endpoint + url, { method, headers, ...(body !== "" && { body }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return text;
}
