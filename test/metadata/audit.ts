/** Fails when an audit of a whole state finds anything wrong. */
import { auditState } from "../../nameserver/audit/audit-state.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { prefixEnd, prefixOf, type Tag } from "../../nameserver/keyspace.ts";
import type { Digest } from "../../nameserver/row-codec.ts";
import type { Stored } from "../../nameserver/state-store.ts";
import { expect } from "./expect.ts";

export async function allOf(state: StateReader, tag: Tag): Promise<Stored[]> {
  await using cursor = state.range(prefixOf(tag), prefixEnd(prefixOf(tag)));
  return await cursor.next(1_000_000);
}

export async function audit(state: StateReader, digest: Digest): Promise<void> {
  const problems: string[] = [];
  await auditState(state, digest, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
}
