/** All versions of a bucket, by key, then newest first. */
import { QuarryError } from "../../base/errors.ts";
import type { VersionListReply, VersionListRequest } from "../../rpc/name-service.ts";
import type { StateReader } from "../group.ts";

export function versions(_state: StateReader, _request: VersionListRequest): VersionListReply {
  throw new QuarryError("NotImplemented", "versions is not implemented");
}
