/** The list that headers ask for: x-amz-acl names a canned one, x-amz-grant-* name grantees. */
import type { IncomingHttpHeaders } from "node:http";
import { limits } from "../../base/limits.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { Grant, Permission } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import { cannedGrants, type Owners } from "./canned.ts";
import { type NamedGrantee, resolveGrantee } from "./grantees.ts";

const grantHeaders = [
  ["x-amz-grant-read", "READ"],
  ["x-amz-grant-write", "WRITE"],
  ["x-amz-grant-read-acp", "READ_ACP"],
  ["x-amz-grant-write-acp", "WRITE_ACP"],
  ["x-amz-grant-full-control", "FULL_CONTROL"],
] as const satisfies readonly (readonly [string, Permission])[];

/** `id="…", emailAddress="…", uri="…"`; the quotes may be missing. */
const one = /^\s*(id|emailAddress|uri)\s*=\s*(?:"([^"]*)"|([^",\s]*))\s*$/i;
const forms = { id: "id", emailaddress: "emailAddress", uri: "uri" } as const;

/** Whether headers ask for any list at all. */
export function asksForAcl(headers: IncomingHttpHeaders): boolean {
  if (headers["x-amz-acl"] !== undefined) return true;
  return grantHeaders.some(([name]) => headers[name] !== undefined);
}

/** The list that headers ask for, if they do. Looks up every user that is named. */
export async function aclOfHeaders(
  headers: IncomingHttpHeaders,
  names: Pick<NameService, "user">,
  owners: Owners,
): Promise<readonly Grant[] | undefined> {
  if (!asksForAcl(headers)) return undefined;
  const canned = headers["x-amz-acl"];
  const named = grantHeaders.flatMap(([name, permission]) =>
    namedIn(name, headers[name]).map((grantee) => ({ grantee, permission })),
  );
  if (canned !== undefined && named.length > 0)
    throw new S3Error(
      "InvalidRequest",
      "Specifying both Canned ACLs and Header Grants is not allowed",
    );
  if (canned !== undefined) return cannedGrants(String(canned), owners);
  return await resolveGrants(names, named);
}

function namedIn(header: string, value: string | string[] | undefined): NamedGrantee[] {
  if (value === undefined) return [];
  return String(value)
    .split(",")
    .map((text) => {
      const [, form = "", quoted, bare = ""] = one.exec(text) ?? [];
      const by = forms[form.toLowerCase() as keyof typeof forms];
      if (by === undefined)
        throw new S3Error("InvalidArgument", "Argument format not recognized", {
          ArgumentName: header,
          ArgumentValue: text.trim(),
        });
      return { by, value: quoted ?? bare };
    });
}

/** @throws S3Error `MalformedACLError` for too many. */
export async function resolveGrants(
  names: Pick<NameService, "user">,
  named: readonly { readonly grantee: NamedGrantee; readonly permission: Permission }[],
): Promise<Grant[]> {
  if (named.length > limits.grants)
    throw new S3Error("MalformedACLError", `A list has at most ${limits.grants} grants.`);
  return await Promise.all(
    named.map(async ({ grantee, permission }) => ({
      grantee: await resolveGrantee(names, grantee),
      permission,
    })),
  );
}
