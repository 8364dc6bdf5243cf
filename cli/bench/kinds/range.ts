/** GET of a piece of an object, each time another. */
import { QuarryError } from "../../../base/errors.ts";
import type { Kind } from "../workload.ts";
import { checkWhole, lanesFor, singles, storeToRead } from "./object-kind.ts";

/** Odd and large: pieces come from everywhere, in the same order each time. */
const STRIDE = 2_654_435_761;

export const ranges: Kind = {
  form: "SIZE-PIECE",
  what: "GET of a piece",
  check([bytes = 0, piece = 0]) {
    checkWhole([bytes]);
    if (piece > bytes)
      throw new QuarryError("InvalidArgument", "the piece is larger than the object");
  },
  lanes: ([, piece = 0]) => lanesFor([piece]),
  async prepare(stage, [bytes = 0, piece = 0]) {
    const objects = await storeToRead(stage, bytes);
    const request = (n: number) => {
      const first = (n * STRIDE) % (bytes - piece + 1);
      const last = first + piece - 1;
      return { type: "range", key: stage.keyOf(n % objects), first, last } as const;
    };
    return singles(
      { request, moves: () => ({ bytes: piece, keys: 0 }) },
      Number.POSITIVE_INFINITY,
      objects,
    );
  },
};
