import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { ensureIdentity } from "../base/identity.ts";
import { systemRandom } from "../base/random.ts";
import { openServers } from "./open-servers.ts";

test.each(["nameserver", "dataserver", "device"] as const)(
  "a store leaves the folder of a %s alone",
  async (kind) => {
    const directory = await mkdtemp(join(tmpdir(), "quarry-open-servers-"));
    try {
      const seams = { clock: systemClock, random: systemRandom };
      await ensureIdentity(nodeDisk, directory, kind, seams);
      await expect(openServers({ directories: [directory] })).rejects.toThrow(
        new RegExp(`is the data of a ${kind}, not of a whole store`),
      );
      expect(await readdir(directory)).toEqual(["identity.json"]);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
