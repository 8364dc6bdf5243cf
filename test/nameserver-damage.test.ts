import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { NameService } from "../rpc/name-service.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const LONG_MS = 120_000;

let group: NameserverGroup | undefined;
afterEach(async () => await group?.[Symbol.asyncDispose]());

async function makeUsers(names: NameService, from: number, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const id = `user-${from + n}`;
      return names.execute({ type: "putUser", user: { id, displayName: id } });
    }),
  );
}

/** Turns one bit of one byte, drawn by the seed, in the part of a file that is in use. */
async function flip(path: string, seed: number): Promise<void> {
  const bytes = await readFile(path);
  const used = bytes.findLastIndex((byte) => byte !== 0);
  const random = seededRandom(seed);
  const at = 64 + (random.u32() % Math.max(1, used - 100));
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (random.u32() % 8));
  await writeFile(path, bytes);
}

async function newestOf(folder: string, name: RegExp): Promise<string> {
  const names = (await readdir(folder)).filter((one) => name.test(one)).sort();
  return join(folder, names.at(-1) ?? "none");
}

const harms = [
  {
    what: "log",
    harm: async (data: string, seed: number) =>
      flip(await newestOf(join(data, "log"), /\.qlog$/), seed),
  },
  {
    what: "state",
    harm: async (data: string, seed: number) => {
      const number = (await readFile(join(data, "state/current"), "utf8")).trim();
      await flip(await newestOf(join(data, "state", number), /\.ldb$/), seed);
    },
  },
] as const;

describe("a flipped bit on the disk of a member that is stopped", () => {
  for (const { what, harm } of harms)
    test(
      `in its ${what}: it says so, comes back, and agrees with the others`,
      async () => {
        group = await NameserverGroup.found(3);
        await using client = group.client();
        await makeUsers(client.names, 0, 200);
        const leader = await group.leader();
        const node = group.nodes.find((one) => one !== leader) ?? 0;
        expect(await group.end(node, "SIGTERM")).toBe(0);
        await harm(group.data(node), 7);
        await makeUsers(client.names, 200, 200);
        group.start(node);
        await expect
          .poll(() => group?.said(node), { timeout: 20_000 })
          .toMatch(new RegExp(`The ${what} is set aside in .*damaged-${what}-1`));
        await expect
          .poll(async () => (await group?.status(node))?.isRecovering, { timeout: 20_000 })
          .toBe(false);
        expect((await group.digests()).size).toBe(1);
        expect(await readdir(join(group.data(node), `damaged-${what}-1`))).not.toEqual([]);
        // Its vote counts again: the group goes on with it and the leader alone.
        const other = group.nodes.find((one) => one !== leader && one !== node) ?? 0;
        await group.end(other, "SIGKILL");
        await makeUsers(client.names, 400, 10);
      },
      LONG_MS,
    );

  test(
    "when the only nameserver of a group is harmed, it refuses",
    async () => {
      group = await NameserverGroup.found(1);
      await using client = group.client();
      await makeUsers(client.names, 0, 50);
      await group.end(1, "SIGTERM");
      await harms[0].harm(group.data(1), 7);
      group.start(1);
      expect(await group.ended(1)).toBe(1);
      expect(group.said(1)).toMatch(/is damaged at byte .* restore the nameserver's folder/);
    },
    LONG_MS,
  );
});
