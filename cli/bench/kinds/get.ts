/** GET of whole objects, in turn. */
import type { Kind } from "../workload.ts";
import { checkWhole, lanesFor, singles, storeToRead } from "./object-kind.ts";

export const gets: Kind = {
  form: "SIZE",
  what: "GET in turn",
  check: checkWhole,
  lanes: lanesFor,
  async prepare(stage, [bytes = 0]) {
    const objects = await storeToRead(stage, bytes);
    const request = (n: number) => ({ type: "get", key: stage.keyOf(n % objects) }) as const;
    return singles(
      { request, moves: () => ({ bytes, keys: 0 }) },
      Number.POSITIVE_INFINITY,
      objects,
    );
  },
};
