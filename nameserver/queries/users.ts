/** Who may sign, and what a gateway must know before it serves a request. */
import type { Access, NameService } from "../../rpc/name-service.ts";
import type { UserInfo } from "../../rpc/objects.ts";
import { bucketInfo } from "../apply/buckets.ts";
import type { StateReader } from "../group/group.ts";
import { KeyReader, keys, prefixEnd, tags } from "../keyspace.ts";
import type { RowCache } from "../row-cache.ts";
import { decodeRow } from "../row-codec.ts";
import type { UserRow } from "../rows.ts";
import { read } from "./read.ts";

const MOST_USERS = 1000;

function userInfo(id: string, row: UserRow): UserInfo {
  const { createdMs: _, accessKeys: __, ...described } = row;
  return { id, ...described };
}

export function access(
  rows: RowCache,
  { accessKey, bucket }: Parameters<NameService["access"]>[0],
): Access {
  const key = accessKey === undefined ? undefined : rows.get(keys.accessKey(accessKey));
  const user = key === undefined ? undefined : rows.get(keys.user(key.user));
  const row = bucket === undefined ? undefined : rows.get(keys.bucket(bucket));
  return {
    ...(key !== undefined &&
      user !== undefined && { user: { ...userInfo(key.user, user), secretKey: key.secretKey } }),
    ...(bucket !== undefined && row !== undefined && { bucket: bucketInfo(bucket, row) }),
  };
}

export function user(
  state: StateReader,
  by: Parameters<NameService["user"]>[0],
): (UserInfo & { accessKeys: readonly string[] }) | undefined {
  const id = "id" in by ? by.id : read(state, keys.email(by.email))?.user;
  const row = id === undefined ? undefined : read(state, keys.user(id));
  if (id === undefined || row === undefined) return undefined;
  return { ...userInfo(id, row), accessKeys: row.accessKeys };
}

export async function users(state: StateReader, after: string, limit: number): Promise<UserInfo[]> {
  const from = after === "" ? tags.user : prefixEnd(keys.user(after));
  await using cursor = state.range(from, prefixEnd(tags.user));
  const entries = await cursor.next(Math.min(Math.max(1, limit), MOST_USERS));
  return entries
    .slice(0, Math.max(0, limit))
    .map(({ key, value }) => userInfo(new KeyReader(key).text(), decodeRow<UserRow>(key, value)));
}
