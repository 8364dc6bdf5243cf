/** `quarry fsck` of a whole cluster that was stopped, with objects in pieces. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { fsck } from "../cli/fsck/fsck.ts";
import { stage } from "./faults/cluster-fault.ts";

test("pieces count as what they are pieces of: thin without some, missing without too many", async () => {
  await using scene = await stage({ seconds: 0, seed: 1, scheme: "4+2", hosts: 6 });
  const { cluster, corpus } = scene;
  await corpus.fill("large/", [300_000, 5_000_001, 131_072]);
  await corpus.fill("small/", [1, 1000]);
  for (const n of cluster.gateways) await cluster.end("gateway", n, "SIGTERM");
  for (const n of cluster.dataservers) await cluster.end("dataserver", n, "SIGTERM");
  await cluster.group.end(1, "SIGTERM");
  const folders = cluster.dataservers.map((n) => cluster.folder(n));
  const look = async () => {
    const { check } = await fsck({
      ...{ disk: nodeDisk, clock: systemClock, directories: [cluster.group.data(1), ...folders] },
      ...{ onFinding: () => undefined, onStep: () => undefined },
    });
    return check;
  };
  expect(await look()).toMatchObject({ missing: 0, thin: 0, orphans: 0, unknownBlocks: 0 });
  const empty = async (folder: string) => {
    const device = join(folder, "device");
    for (const name of await readdir(device))
      if (/\.(block|index)$/.test(name)) await rm(join(device, name));
  };
  for (const folder of folders.slice(0, 2)) await empty(folder);
  const thin = await look();
  expect(thin).toMatchObject({ missing: 0 });
  expect(thin?.thin).toBeGreaterThanOrEqual(4);
  await empty(folders[2] ?? "");
  expect((await look())?.missing).toBeGreaterThanOrEqual(3);
}, 120_000);
