import { describe, expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import type { Grant, UserInfo } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import { aclOfHeaders, asksForAcl, resolveGrants } from "./acl-headers.ts";
import { aclDocument, parseAcl } from "./acl-xml.ts";
import { cannedGrants, kept } from "./canned.ts";
import { parseOwnershipControls } from "./ownership-rule.ts";

const users: readonly UserInfo[] = [
  { id: "me", displayName: "Me & Co" },
  { id: "friend", displayName: "Friend", email: "friend@example.com" },
];
const names = {
  user: async (by: { readonly id: string } | { readonly email: string }) => {
    const found = users.find((user) => ("id" in by ? user.id === by.id : user.email === by.email));
    return found === undefined ? undefined : { ...found, accessKeys: [] };
  },
};
const ALL = "http://acs.amazonaws.com/groups/global/AllUsers";
const own = { owner: "me" };
const full = (id: string): Grant => ({ grantee: { type: "user", id }, permission: "FULL_CONTROL" });
const read = (grantee: Grant["grantee"]): Grant => ({ grantee, permission: "READ" });

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return "none";
}

describe("canned lists", () => {
  test.each([
    ["private", 1],
    ["public-read", 2],
    ["public-read-write", 3],
    ["authenticated-read", 2],
    ["log-delivery-write", 3],
    ["bucket-owner-read", 1],
    ["bucket-owner-full-control", 1],
  ])("%s of a bucket has %i grants, the owner's last", (name, count) => {
    const grants = cannedGrants(name, own);
    expect(grants).toHaveLength(count);
    expect(grants.at(-1)).toEqual(full("me"));
    expect(kept(grants, "me") === undefined).toBe(count === 1);
  });

  test("the bucket's owner is granted what the name says, on objects of others", () => {
    const owners = { owner: "me", bucketOwner: "friend" };
    expect(cannedGrants("bucket-owner-full-control", owners)).toEqual([full("friend"), full("me")]);
    expect(cannedGrants("bucket-owner-read", owners)[0]).toEqual(
      read({ type: "user", id: "friend" }),
    );
  });

  test("a name that is none is refused", async () => {
    expect(await codeOf(() => cannedGrants("public", own))).toBe("InvalidArgument");
    expect(kept([full("friend")], "me")).toEqual([full("friend")]);
    expect(kept([], "me")).toEqual([]);
  });
});

describe("lists in headers", () => {
  const ask = (headers: Record<string, string>) => aclOfHeaders(headers, names, own);

  test("none asked", async () => {
    expect(asksForAcl({ "x-amz-meta-acl": "x" })).toBe(false);
    expect(await ask({})).toBeUndefined();
  });

  test("by id, address and group, quoted or not, several in one header", async () => {
    expect(
      await ask({
        "x-amz-grant-full-control": "id=me",
        "x-amz-grant-read": `emailAddress="friend@example.com", uri="${ALL}" , ID=friend`,
      }),
    ).toEqual([
      read({ type: "user", id: "friend" }),
      read({ type: "group", group: "AllUsers" }),
      read({ type: "user", id: "friend" }),
      full("me"),
    ]);
  });

  test.each([
    [{ "x-amz-acl": "private", "x-amz-grant-read": "id=me" }, "InvalidRequest"],
    [{ "x-amz-acl": "" }, "InvalidArgument"],
    [{ "x-amz-grant-read": "" }, "InvalidArgument"],
    [{ "x-amz-grant-read": "me" }, "InvalidArgument"],
    [{ "x-amz-grant-read": 'id="me' }, "InvalidArgument"],
    [{ "x-amz-grant-read": "id=nobody" }, "InvalidArgument"],
    [{ "x-amz-grant-read": "uri=http://acs.amazonaws.com/groups/global/Us" }, "InvalidArgument"],
    [{ "x-amz-grant-read": "emailAddress=x@y" }, "UnresolvableGrantByEmailAddress"],
    [{ "x-amz-grant-read": Array(101).fill("id=me").join() }, "MalformedACLError"],
  ])("%j is %s", async (headers, code) => {
    expect(await codeOf(() => ask(headers))).toBe(code);
  });
});

describe("lists in XML", () => {
  const grant = (grantee: string, permission = "READ") =>
    `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${grantee}</Grantee><Permission>${permission}</Permission></Grant>`;
  const policy = (list: string, owner = "<Owner><ID>me</ID></Owner>") =>
    Buffer.from(`<AccessControlPolicy>${owner}${list}</AccessControlPolicy>`);
  const listed = (...grants: string[]) =>
    policy(`<AccessControlList>${grants.join("")}</AccessControlList>`);

  test("what is written is read again; groups come first, names are shown", async () => {
    const grants = [full("me"), read({ type: "group", group: "AllUsers" }), full("gone")];
    const text = aclDocument("me", grants, new Map([["me", "Me & Co"]]));
    expect(text).toContain("<ID>me</ID><DisplayName>Me &amp; Co</DisplayName>");
    const { owner, grants: written } = parseAcl(Buffer.from(text));
    expect(owner).toBe("me");
    expect(written.map(({ grantee }) => grantee.value)).toEqual([ALL, "me", "gone"]);
    const known = written.slice(0, 2);
    expect(await resolveGrants(names, known)).toEqual([grants[1], grants[0]]);
  });

  test("no grants at all are a list too", () => {
    expect(parseAcl(listed())).toEqual({ owner: "me", grants: [] });
  });

  test.each([
    ["no list", policy("")],
    ["two lists", policy("<AccessControlList/><AccessControlList/>")],
    ["no owner", policy("<AccessControlList/>", "")],
    ["an owner without an id", policy("<AccessControlList/>", "<Owner/>")],
    ["an unknown permission", listed(grant("<ID>me</ID>", "EXECUTE"))],
    ["nobody", listed(grant("<DisplayName>me</DisplayName>"))],
    ["two at once", listed(grant(`<ID>me</ID><URI>${ALL}</URI>`))],
    ["no permission", listed("<Grant><Grantee><ID>me</ID></Grantee></Grant>")],
  ])("%s is malformed", async (_, bytes) => {
    expect(await codeOf(() => parseAcl(bytes))).toBe("MalformedACLError");
  });

  test("at most so many grants", async () => {
    const most = Array.from({ length: limits.grants }, () => grant("<ID>me</ID>"));
    expect(await resolveGrants(names, parseAcl(listed(...most)).grants)).toHaveLength(
      limits.grants,
    );
    const more = parseAcl(listed(...most, grant("<ID>me</ID>"))).grants;
    expect(await codeOf(() => resolveGrants(names, more))).toBe("MalformedACLError");
  });
});

test("exactly one rule of ownership", async () => {
  const controls = (...rules: string[]) =>
    Buffer.from(
      `<OwnershipControls>${rules.map((rule) => `<Rule><ObjectOwnership>${rule}</ObjectOwnership></Rule>`).join("")}</OwnershipControls>`,
    );
  expect(parseOwnershipControls(controls("ObjectWriter"))).toBe("ObjectWriter");
  for (const bad of [[], ["Mine"], ["ObjectWriter", "ObjectWriter"]])
    expect(await codeOf(() => parseOwnershipControls(controls(...bad)))).toBe("MalformedXML");
});
