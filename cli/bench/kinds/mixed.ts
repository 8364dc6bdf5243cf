/** Seven GETs to three PUTs of new objects. */
import type { Kind } from "../workload.ts";
import { checkWhole, lanesFor, singles, storeToRead, writable } from "./object-kind.ts";

const OF = 10;
/** Which of ten operations write. */
const WRITING = new Set([2, 5, 9]);

export const mixed: Kind = {
  form: "SIZE",
  what: "70 % GET, 30 % PUT",
  check: checkWhole,
  lanes: lanesFor,
  async prepare(stage, [bytes = 0]) {
    const body = stage.payload(bytes);
    const objects = await storeToRead(stage, bytes);
    const writes = (n: number) => WRITING.has(n % OF);
    return singles(
      {
        request: (n) =>
          writes(n)
            ? { type: "put", key: stage.freshKeyOf(n), body }
            : { type: "get", key: stage.keyOf(n % objects) },
        moves: () => ({ bytes, keys: 0 }),
      },
      Math.floor((writable(bytes) * OF) / WRITING.size),
    );
  },
};
