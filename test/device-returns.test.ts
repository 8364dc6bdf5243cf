/**
 * A dataserver comes back after what it had was made anew elsewhere: nothing of it is served that the
 * others do not have, what is surplus goes when the members are known to be good, and its room with it.
 */
import { expect, test } from "vitest";
import { takeCensus, troublesIn } from "./faults/census.ts";
import { type ClusterScene, order, stage } from "./faults/cluster-fault.ts";
import { ReadTally } from "./faults/corpus.ts";
import { deviceOf } from "./faults/lost-dataserver.ts";

const LONG_MS = 180_000;
const HEALED_MS = 90_000;
const VICTIM = 2;

/**
 * Every block has all its pieces at its members, and nobody else has any. That an open block stands
 * elsewhere than CRUSH says by now is no harm: its members are fixed until it is sealed. Nor that two
 * pieces stand in each other's place.
 */
async function expectWhole({ cluster }: ClusterScene): Promise<void> {
  const look = async () =>
    troublesIn(await takeCensus(cluster)).filter((trouble) => !trouble.endsWith("belongs"));
  await expect.poll(look, { timeout: HEALED_MS, interval: 500 }).toEqual([]);
}

async function expectAllRead({ corpus }: ClusterScene): Promise<void> {
  const { lost, wrong, refused, right } = await corpus.readAll();
  expect({ lost, wrong, refused: [...refused] }).toEqual({ lost: 0, wrong: 0, refused: [] });
  expect(right).toBeGreaterThan(0);
}

test.each([
  ["1+2", 4, "out for good"],
  ["2+1", 4, "in again"],
])("of %s over %d hosts, %s", { timeout: LONG_MS }, async (scheme, hosts, then) => {
  await using scene = await stage({ seconds: 60, seed: 7, scheme, hosts });
  const { cluster, corpus, dice } = scene;
  const lengths = Array.from({ length: 24 }, () => dice.between(1_000, 400_000));
  await corpus.fill("before/", lengths);
  await expectWhole(scene);
  const device = await deviceOf(scene, VICTIM);
  const held = async () =>
    (await takeCensus(cluster)).blocks.filter((one) => one.held.has(device)).length;
  expect(await held()).toBeGreaterThan(0);

  // It dies; what it had is made anew; what is written meanwhile it knows nothing of.
  await cluster.end("dataserver", VICTIM, "SIGKILL");
  if (then === "in again")
    await order(cluster, { type: "setHealing", change: { outAfterMs: 1_000 } });
  else await order(cluster, { type: "changeDevice", device, in: false });
  await expect
    .poll(async () => await isIn(scene, device), { timeout: HEALED_MS, interval: 200 })
    .toBe(false);
  await corpus.fill("meanwhile/", lengths.slice(0, 8));
  await corpus.fill("before/", lengths.slice(0, 4));
  await expectWhole(scene);
  await expectAllRead(scene);

  // It returns with all that it had.
  const meanwhile = new ReadTally();
  let isOver = false;
  const reading = corpus.readOn(meanwhile, dice, () => isOver, 4);
  cluster.start("dataserver", VICTIM);
  await cluster.untilUp();
  if (then === "in again")
    await expect
      .poll(async () => await isIn(scene, device), { timeout: HEALED_MS, interval: 200 })
      .toBe(true);
  await expectWhole(scene);
  isOver = true;
  await reading;
  expect({ lost: meanwhile.lost, wrong: meanwhile.wrong }).toEqual({ lost: 0, wrong: 0 });
  await expectAllRead(scene);
  if (then === "in again") expect(await held()).toBeGreaterThan(0);
  else {
    expect(await held()).toBe(0);
    // So it can leave the map: it is stopped, out, and no block names it.
    await cluster.end("dataserver", VICTIM, "SIGTERM");
    await expect
      .poll(async () => await removed(scene, device), { timeout: HEALED_MS, interval: 500 })
      .toBe(true);
  }
});

async function isIn({ cluster }: ClusterScene, device: string): Promise<boolean | undefined> {
  await using client = cluster.group.client();
  const { map } = await client.names.clusterMap(0);
  return map?.devices.find((one) => one.device === device)?.in;
}

async function removed({ cluster }: ClusterScene, device: string): Promise<boolean | string> {
  return await order(cluster, { type: "removeDevice", device: device as never }).then(
    () => true,
    (error: Error) => error.message,
  );
}
