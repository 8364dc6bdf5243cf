/** The parts of a multipart object. */
import { limits } from "../../base/limits.ts";
import type { NameService, PartSpan } from "../../rpc/name-service.ts";
import type { StateReader } from "../group/group.ts";
import { partsFrom } from "../slices.ts";
import { findObject, objectInfo } from "./lookup.ts";
import { readerOf } from "./read.ts";

export async function objectParts(
  state: StateReader,
  request: Parameters<NameService["objectParts"]>[0],
): ReturnType<NameService["objectParts"]> {
  const { row } = await findObject(state, request);
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const after = Math.max(0, request.after);
  const parts: PartSpan[] = [];
  if (limit > 0)
    for (const span of partsFrom(readerOf(state), row, after)) {
      parts.push(span);
      if (parts.length === limit) break;
    }
  const last = parts.at(-1)?.part ?? after;
  return { object: objectInfo(request.key, row), parts, truncated: last < (row.parts ?? 0) };
}
