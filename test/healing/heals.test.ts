/** The planner end to end: hosts that are lost, return, come and are drained; pools that change. */
import { expect, test } from "vitest";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const schemes = [
  { k: 1, m: 2 },
  { k: 4, m: 2 },
];

const outAfter = (cluster: HealingCluster, outAfterMs: number) =>
  cluster.names.execute({ type: "setHealing", change: { outAfterMs } });

test.each(schemes)("a lost host: what it had is made anew elsewhere ($k+$m)", async (scheme) => {
  await using cluster = await HealingCluster.open({ hosts: scheme.k + scheme.m + 2, scheme });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 12; i++) contents.set(`key${i}`, cluster.random(300 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  const [first] = await cluster.blocksOf("key0");
  const lost = cluster.at(first?.members[1]);
  await outAfter(cluster, 100);
  await cluster.kill(lost);
  await cluster.until(async () => {
    const members = await Promise.all([...contents.keys()].map((key) => cluster.blocksOf(key)));
    return !members.flat().some((one) => one.members.includes(cluster.device(lost)));
  }, "members are still there");
  await cluster.whole();
  // Any m others may go, and everything is there.
  for (const key of contents.keys())
    for (const { members } of await cluster.blocksOf(key))
      expect(new Set(filled(members)).size).toBe(scheme.k + scheme.m);
  await outAfter(cluster, 0);
  const others = cluster.hosts.map((_, at) => at).filter((at) => at !== lost);
  for (const at of others.slice(0, scheme.m)) await cluster.kill(at);
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
});
