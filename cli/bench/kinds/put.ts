/** PUT of objects that were not there before. */
import type { Kind } from "../workload.ts";
import { checkWhole, lanesFor, singles, writable } from "./object-kind.ts";

export const puts: Kind = {
  form: "SIZE",
  what: "PUT of new objects",
  check: checkWhole,
  lanes: lanesFor,
  async prepare(stage, [bytes = 0]) {
    const body = stage.payload(bytes);
    const request = (n: number) => ({ type: "put", key: stage.freshKeyOf(n), body }) as const;
    return singles({ request, moves: () => ({ bytes, keys: 0 }) }, writable(bytes));
  },
};
