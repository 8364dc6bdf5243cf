/**
 * Updates a running cluster of an earlier version to this one, member by member, with clients writing and
 * reading at every step; puts a member back meanwhile; and looks that an earlier version refuses what it
 * does not understand in the end.
 *
 *   node test/upgrade/main.ts --earlier DIR      a checkout of the earlier version, with its packages
 */
import { parseArgs } from "node:util";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { FIRST_LEVEL, LEVEL } from "../../base/version.ts";
import { Bucket, MixedCluster } from "./mixed-cluster.ts";

const HELD = { QUARRY_HOLD_LEVEL: "1" };

async function main(earlier: string): Promise<void> {
  await using cluster = await MixedCluster.make(earlier);
  const steps: string[] = [];
  const step = async (what: string, agrees = true) => {
    for (let n = 0; n < 5; n++) await cluster.put(`${steps.length}-${n}`);
    const read = await cluster.readAll();
    if (agrees) await cluster.agree();
    steps.push(what);
    console.log(`${what}: ${read} objects`);
  };
  const starting = ["ns1", "ns2", "ns3", "ds1", "ds2", "ds3", "gw"];
  const roles = starting.map((name) => cluster.start(name, "earlier"));
  await cluster.until("the earlier version runs", () => roles.every(({ isReady }) => isReady));
  await cluster.client.send(new CreateBucketCommand({ Bucket }));
  await step("all earlier");
  const earlierLevel = (await cluster.status(1))?.groupLevel ?? FIRST_LEVEL;
  if (earlierLevel >= LEVEL)
    throw new Error(`${earlier} knows level ${LEVEL}, too: take a version from before it`);

  // A nameserver of this version among earlier ones; it leads; it is put back.
  await cluster.change("ns1", "this");
  await step("one nameserver updated");
  await leads(cluster, 1);
  await step("it leads");
  await cluster.change("ds1", "this");
  await step("a dataserver of this version registers with it");
  await cluster.change("ns1", "earlier");
  await step("the nameserver is put back");

  // All of them, held back: every one can still be put back.
  for (const n of [1, 2, 3]) await cluster.change(`ns${n}`, "this", HELD);
  await step("all nameservers updated, the level is held");
  expectLevel(await cluster.status(1), earlierLevel);
  await cluster.change("ns2", "earlier");
  await step("one of them is put back");

  for (const n of [1, 2, 3]) await cluster.change(`ns${n}`, "this");
  await cluster.until(
    "the level is raised",
    async () => (await cluster.status(1))?.groupLevel === LEVEL,
  );
  for (const name of ["ds1", "ds2", "ds3", "gw"]) {
    await cluster.change(name, "this");
    await step(`${name} updated`);
  }
  expectLevel(await cluster.status(1), LEVEL);

  // From here on there is no way back.
  await cluster.stop("ns3");
  const refused = await cluster.start("ns3", "earlier").ended;
  if (refused.code === 0 || !/newer version|needs level/.test(cluster.output("ns3")))
    throw new Error(`an earlier version was not refused:\n${cluster.output("ns3")}`);
  cluster.start("ns3", "this");
  await step("an earlier nameserver is refused now");
  console.log(JSON.stringify({ steps: steps.length, lost: 0, wrong: 0, violations: 0 }));
}

/** Nameserver n comes to lead: the others stand aside for a moment. */
async function leads(cluster: MixedCluster, n: number): Promise<void> {
  for (let tries = 0; (await cluster.leader()) !== n; tries++) {
    if (tries > 10) throw new Error(`nameserver ${n} does not come to lead`);
    const leader = await cluster.leader();
    if (leader !== n) await cluster.change(`ns${leader}`, "earlier");
  }
}

function expectLevel(status: { readonly groupLevel?: number } | undefined, level: number): void {
  if (status?.groupLevel !== level)
    throw new Error(`the group is at level ${status?.groupLevel}, not ${level}`);
}

const { values } = parseArgs({ options: { earlier: { type: "string" } } });
if (values.earlier === undefined) throw new Error("say --earlier DIR: a checkout of it");
await main(values.earlier);
