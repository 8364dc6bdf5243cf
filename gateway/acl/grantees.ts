/** Users and groups as requests name them. A list holds ids of users only: names and addresses change. */
import type { NameService } from "../../rpc/name-service.ts";
import type { Grant } from "../../rpc/objects.ts";
import { ANONYMOUS_USER } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";

export type Grantee = Grant["grantee"];
export type Group = Extract<Grantee, { type: "group" }>["group"];

/** As a header or an XML body names one. */
export interface NamedGrantee {
  readonly by: "id" | "emailAddress" | "uri";
  readonly value: string;
}

const groupUris: Readonly<Record<Group, string>> = {
  AllUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  LogDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
};

export function uriOfGroup(group: Group): string {
  return groupUris[group];
}

/** @throws S3Error `InvalidArgument`, `UnresolvableGrantByEmailAddress` for who is not known. */
export async function resolveGrantee(
  names: Pick<NameService, "user">,
  { by, value }: NamedGrantee,
): Promise<Grantee> {
  if (by === "uri") return { type: "group", group: groupOf(value) };
  if (by === "id" && value === ANONYMOUS_USER) return { type: "group", group: "AllUsers" };
  const user = await names.user(by === "id" ? { id: value } : { email: value });
  if (user !== undefined) return { type: "user", id: user.id };
  if (by === "emailAddress") throw new S3Error("UnresolvableGrantByEmailAddress");
  throw new S3Error("InvalidArgument", "Invalid id", {
    ArgumentName: "CanonicalUser/ID",
    ArgumentValue: value,
  });
}

function groupOf(uri: string): Group {
  for (const group of Object.keys(groupUris) as Group[]) if (groupUris[group] === uri) return group;
  throw new S3Error("InvalidArgument", "Invalid group uri", {
    ArgumentName: "Group/URI",
    ArgumentValue: uri,
  });
}
