/** Commands that give an object its name, synced and applied, beside synced writes of LevelDB as large. */
import { join } from "node:path";
import { Level } from "level";
import { type Micro, OURS } from "./micro.ts";
import { keyOf, openNames } from "./names.ts";

const LANES = 256;
/** What a command of one chunk has in the log. */
const ROW = "x".repeat(500);

export const commit: Micro = {
  what: "putObject commands beside synced writes of LevelDB",
  async open(folder) {
    await using stack = new AsyncDisposableStack();
    const names = stack.use(await openNames(join(folder, "names")));
    const level = new Level(join(folder, "level"));
    await level.open();
    stack.defer(() => level.close());
    let rows = 0;
    const ways = [
      { name: OURS, run: () => names.put() },
      { name: "LevelDB", run: () => level.put(keyOf(rows++), ROW, { sync: true }) },
    ];
    const owned = stack.move();
    return {
      cases: [{ name: "commit", lanes: LANES, ways }],
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  },
};
