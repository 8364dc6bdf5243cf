import { expect, test } from "vitest";
import { canMount } from "../bad-input/private-mount.ts";
import { fullDisk } from "./full-disk.ts";

if (!canMount) console.warn("NOT TESTED: the full disk of one nameserver; small disks need mounts");

test.skipIf(!canMount)(
  "a leader without room says so, another one leads, and it comes back (short form)",
  async () => {
    const counts = await fullDisk({ seconds: 1, members: 3, seed: 20_261_121 });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0, filled: 1 });
  },
  120_000,
);
