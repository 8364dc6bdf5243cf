/** Where a needle is, among a million of one index, beside a map of JavaScript. */
import type { NeedleId } from "../../../base/ids.ts";
import { systemRandom } from "../../../base/random.ts";
import { NeedleIndex, type Place } from "../../../dataserver/needle-index.ts";
import { type Micro, OURS } from "./micro.ts";

const NEEDLES = 1_000_000;
const BATCH = 10_000;
const STEP_BYTES = 4160;
/** Odd and large: look-ups come from everywhere. */
const STRIDE = 2_654_435_761;

export const index: Micro = {
  what: "look-ups among a million needles beside a Map",
  async open() {
    const ids = Array.from({ length: NEEDLES }, () => systemRandom.needleId());
    const open = NeedleIndex.open();
    const map = new Map<NeedleId, Place>();
    for (const [i, id] of ids.entries()) {
      open.add(id, i * STEP_BYTES, 4096);
      map.set(id, { offset: i * STEP_BYTES, lengthBytes: 4096 });
    }
    const sorted = NeedleIndex.sorted(open.sortedRows());
    const finding = (find: (id: NeedleId) => Place | undefined) => {
      let at = 0;
      return () => {
        for (let i = 0; i < BATCH; i++) {
          at = (at + STRIDE) % NEEDLES;
          const id = ids[at];
          if (id === undefined || find(id) === undefined) throw new Error("a needle is not found");
        }
      };
    };
    const ways = [
      { name: OURS, batch: BATCH, run: finding((id) => sorted.find(id)) },
      { name: "Map", batch: BATCH, run: finding((id) => map.get(id)) },
      { name: "quarry, still open", batch: BATCH, run: finding((id) => open.find(id)) },
    ];
    return {
      cases: [{ name: "index-find", lanes: 1, ways }],
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
};
