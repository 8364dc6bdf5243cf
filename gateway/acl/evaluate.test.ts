import { describe, expect, test } from "vitest";
import type { BucketInfo, Grant, Permission } from "../../rpc/objects.ts";
import { anonymous } from "../identity.ts";
import { allows, controlOfBucket, controlOfObject, isPublic, type Right } from "./evaluate.ts";

const rights: readonly Right[] = ["READ", "WRITE", "READ_ACP", "WRITE_ACP"];
const owner = { id: "owner", displayName: "Owner" };
const friend = { id: "friend", displayName: "Friend" };
const other = { id: "other", displayName: "Other" };

const toFriend = (permission: Permission): Grant => ({
  grantee: { type: "user", id: "friend" },
  permission,
});
const toGroup = (
  group: Extract<Grant["grantee"], { type: "group" }>["group"],
  permission: Permission,
): Grant => ({ grantee: { type: "group", group }, permission });

describe("allows", () => {
  test("without a list the owner may everything and nobody else anything", () => {
    for (const right of rights) {
      expect(allows({ owner: "owner" }, owner, right)).toBe(true);
      for (const who of [friend, other, anonymous])
        expect(allows({ owner: "owner" }, who, right)).toBe(false);
    }
  });

  test("an empty list, or one for another, does not lock the owner out", () => {
    for (const acl of [[], [toFriend("READ")]])
      for (const right of rights) expect(allows({ owner: "owner", acl }, owner, right)).toBe(true);
  });

  test.each(rights)("%s gives itself; full control gives it too", (right) => {
    const one = { owner: "owner", acl: [toFriend(right)] };
    const all = { owner: "owner", acl: [toFriend("FULL_CONTROL")] };
    for (const asked of rights) {
      expect(allows(one, friend, asked)).toBe(asked === right);
      expect(allows(all, friend, asked)).toBe(true);
      expect(allows(all, other, asked)).toBe(false);
    }
  });

  test.each([
    ["AllUsers", [true, true]],
    ["AuthenticatedUsers", [true, false]],
    ["LogDelivery", [false, false]],
  ] as const)("%s", (group, expected) => {
    const controlled = { owner: "owner", acl: [toGroup(group, "READ")] };
    expect([other, anonymous].map((who) => allows(controlled, who, "READ"))).toEqual(expected);
    expect(allows(controlled, other, "WRITE")).toBe(false);
  });

  test("what nobody owns, nobody may give away", () => {
    const theirs = { owner: anonymous.id };
    expect(rights.filter((right) => allows(theirs, anonymous, right))).toEqual([
      "READ",
      "WRITE",
      "READ_ACP",
    ]);
    expect(rights.some((right) => allows(theirs, other, right))).toBe(false);
  });
});

test("public is what reaches beyond users that are named", () => {
  const withList = (...acl: Grant[]) => isPublic({ owner: "owner", acl });
  expect(isPublic({ owner: "owner" })).toBe(false);
  expect(withList(toFriend("FULL_CONTROL"), toGroup("LogDelivery", "WRITE"))).toBe(false);
  expect(withList(toFriend("READ"), toGroup("AuthenticatedUsers", "READ_ACP"))).toBe(true);
  expect(withList(toGroup("AllUsers", "WRITE"))).toBe(true);
});

test("where lists are switched off all belongs to the bucket's owner", () => {
  const acl = [toGroup("AllUsers", "READ")];
  const bucket: BucketInfo = {
    id: 1,
    name: "b",
    owner: "owner",
    createdMs: 0,
    objects: 0,
    versions: 0,
    bytes: 0,
    acl,
  };
  const enforced: BucketInfo = { ...bucket, ownership: "BucketOwnerEnforced" };
  expect(controlOfBucket(bucket).acl).toBe(acl);
  expect(controlOfBucket(enforced)).toEqual({ owner: "owner" });
  expect(controlOfObject(bucket, { owner: "friend", acl })).toEqual({ owner: "friend", acl });
  expect(controlOfObject(bucket, {})).toEqual({ owner: "owner" });
  expect(controlOfObject(enforced, { owner: "friend", acl })).toEqual({ owner: "owner" });
});
