/** DELETE of objects that were put beforehand: as many as could be put in the time of a measurement. */
import type { Kind } from "../workload.ts";
import { checkWhole, lanesFor, singles, writable } from "./object-kind.ts";

export const deletes: Kind = {
  form: "SIZE",
  what: "DELETE of what was put before",
  check: checkWhole,
  lanes: lanesFor,
  async prepare(stage, [bytes = 0]) {
    const body = stage.payload(bytes);
    const key = (n: number) => stage.freshKeyOf(n);
    const there = await stage.fill(
      stage.objects ?? writable(bytes),
      (n) => ({ type: "put", key: key(n), body }),
      false,
    );
    const request = (n: number) => ({ type: "delete", key: key(n) }) as const;
    return singles({ request, moves: () => ({ bytes: 0, keys: 0 }) }, there);
  },
};
