/** Access control lists as XML: what PutBucketAcl and PutObjectAcl send, and what their Gets answer. */
import { unreachable } from "../../base/errors.ts";
import type { Grant, Permission } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import { ownerElement } from "../s3/owner-xml.ts";
import { childrenOf, parseXml, textOf, type XmlNode } from "../xml-read.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";
import { type Grantee, type NamedGrantee, uriOfGroup } from "./grantees.ts";

const permissions = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"] as const;
const forms = [
  ["ID", "id"],
  ["EmailAddress", "emailAddress"],
  ["URI", "uri"],
] as const;

export interface WrittenAcl {
  readonly owner: string;
  readonly grants: readonly { readonly grantee: NamedGrantee; readonly permission: Permission }[];
}

/** @throws S3Error `MalformedXML`, `MalformedACLError`. */
export function parseAcl(bytes: Uint8Array): WrittenAcl {
  const root = parseXml(bytes, "AccessControlPolicy");
  const owner = textOf(only(root, "Owner"), "ID");
  if (owner === undefined) throw new S3Error("MalformedACLError");
  const list = only(root, "AccessControlList");
  return { owner: owner.trim(), grants: childrenOf(list, "Grant").map(grantOf) };
}

function only(node: XmlNode, name: string): XmlNode {
  const [child, ...more] = childrenOf(node, name);
  if (child === undefined || more.length > 0) throw new S3Error("MalformedACLError");
  return child;
}

function grantOf(node: XmlNode): WrittenAcl["grants"][number] {
  const asked = only(node, "Permission").text.trim();
  const permission = permissions.find((one) => one === asked);
  const grantee = only(node, "Grantee");
  const named = forms.flatMap(([name, by]) => {
    const value = textOf(grantee, name)?.trim();
    return value === undefined ? [] : [{ by, value }];
  });
  const [first, ...more] = named;
  if (permission === undefined || first === undefined || more.length > 0)
    throw new S3Error("MalformedACLError");
  return { grantee: first, permission };
}

/** `displayNames` by user id. Groups come first, then users, as they were granted. */
export function aclDocument(
  owner: string,
  grants: readonly Grant[],
  displayNames: ReadonlyMap<string, string>,
): string {
  const rows = [
    ...grants.filter(({ grantee }) => grantee.type === "group"),
    ...grants.filter(({ grantee }) => grantee.type === "user"),
  ].map(({ grantee, permission }) =>
    wrap("Grant", granteeXml(grantee, displayNames) + element("Permission", permission)),
  );
  return xmlDocument(
    "AccessControlPolicy",
    ownerElement("Owner", owner, displayNames) + wrap("AccessControlList", rows.join("")),
  );
}

function granteeXml(grantee: Grantee, displayNames: ReadonlyMap<string, string>): string {
  switch (grantee.type) {
    case "group":
      return typed("Group", element("URI", uriOfGroup(grantee.group)));
    case "user": {
      const name = displayNames.get(grantee.id);
      return typed("CanonicalUser", element("ID", grantee.id) + element("DisplayName", name));
    }
    default:
      return unreachable(grantee);
  }
}

function typed(type: string, inner: string): string {
  return `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${inner}</Grantee>`;
}
