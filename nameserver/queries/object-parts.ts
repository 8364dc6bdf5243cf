/** The parts of a multipart object. */
import { QuarryError } from "../../base/errors.ts";
import type { ContentPin, PartSpan } from "../../rpc/name-service.ts";
import type { StateReader } from "../group.ts";

export function objectParts(
  _state: StateReader,
  _pin: ContentPin,
  _after: number,
  _limit: number,
): { parts: PartSpan[]; truncated: boolean } {
  throw new QuarryError("NotImplemented", "objectParts is not implemented");
}
