/**
 * One content, many names: a stored file gets another name, of the same face or of another, and no
 * bytes are moved. Each name holds the content; the last one that goes lets go of it. The target's
 * description is what its face needs; rights are not linked: the target's bucket decides who may.
 */
import { assert, hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Change, Command, CommandResult, CopySource } from "../rpc/commands.ts";
import type { ObjectInfo } from "../rpc/name-service.ts";
import type { ObjectAttributes } from "../rpc/objects.ts";
import type { Store } from "./store.ts";

/** A name as its face has it. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

export interface LinkRequest {
  /** `version` absent: the current one. */
  readonly from: ObjectName & { readonly version?: string };
  readonly to: ObjectName;
}

export interface Link {
  readonly version: string;
  readonly modifiedMs: number;
}

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`, `NoSuchBucket`. */
export async function linkName(store: Store, { from, to }: LinkRequest): Promise<Link> {
  const { version, modifiedMs } = await naming(store, from, (source, { attributes }) => ({
    ...{ type: "copyObject", bucket: to.bucket, key: to.key, source },
    change: asObject(attributes),
  }));
  return { version, modifiedMs };
}

type Copy = Extract<Command, { type: "copyObject" }>;

/** What was replaced between the look and the command is looked at again. */
async function naming(
  { names }: Store,
  from: LinkRequest["from"],
  copy: (source: CopySource, seen: ObjectInfo) => Copy,
): Promise<Extract<CommandResult, { type: "copied" }>> {
  for (let attempt = 1; ; attempt++) {
    const { object } = await names.lookup(from);
    if (object.deleteMarker) throw new QuarryError("NoSuchKey", `${from.key} was deleted`);
    const seen = { etag: object.attributes.etag, modifiedMs: object.modifiedMs };
    try {
      const copied = await names.execute(copy({ ...from, seen }, object));
      assert(copied.type === "copied", "copyObject answers with the copy");
      return copied;
    } catch (error) {
      if (!hasCode(error, "Changed") || attempt >= limits.retries) throw error;
    }
  }
}

/** Owner, rights and holds are of the source alone. */
function asObject(source: ObjectAttributes): Change<Omit<ObjectAttributes, "etag">> {
  const held = { retention: null, legalHold: null, encryption: null };
  const whose =
    source.owner === undefined && source.acl === undefined ? {} : { owner: null, acl: null };
  return { ...whose, ...held };
}
