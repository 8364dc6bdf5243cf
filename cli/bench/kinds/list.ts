/** Pages of a listing, one after the other through all keys, by the key behind which a page begins. */
import { QuarryError } from "../../../base/errors.ts";
import type { Kind } from "../workload.ts";
import { singles } from "./object-kind.ts";

const PAGE_KEYS_MAX = 1000;
const OBJECTS = 10_000;
const OBJECT_BYTES = 16;

export const lists: Kind = {
  form: "KEYS",
  what: "pages of so many keys",
  check([keys = 0]) {
    if (keys > PAGE_KEYS_MAX)
      throw new QuarryError("InvalidArgument", `a page has ${PAGE_KEYS_MAX} keys at most`);
  },
  lanes: () => 8,
  async prepare(stage, [most = PAGE_KEYS_MAX]) {
    const body = stage.payload(OBJECT_BYTES);
    const objects = await stage.fill(
      stage.objects ?? OBJECTS,
      (n) => ({ type: "put", key: stage.keyOf(n), body }),
      true,
    );
    const pages = Math.ceil(objects / most);
    const prefix = stage.keyOf(0).replace(/[^/]*$/, "");
    const after = (page: number) => (page === 0 ? "" : stage.keyOf(page * most - 1));
    return singles(
      {
        request: (n) => ({ type: "list", prefix, after: after(n % pages), most }),
        moves: (n) => ({ bytes: 0, keys: Math.min(most, objects - (n % pages) * most) }),
      },
      Number.POSITIVE_INFINITY,
      pages,
    );
  },
};
