/** A block is converted, read and made anew by dataservers that are reached over the network. */
import { expect, test } from "vitest";
import { crc32c } from "../base/checksum.ts";
import type { NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import { BLOCK, Members } from "./members-fixture.ts";
import { pair } from "./rpc-pair.ts";
import { orderOf, type Where } from "./striped-fixture.ts";

const whole: Where = {
  ...{ layout: "whole", scheme: { k: 1, m: 1 }, generation: 1 },
  servers: [0, 1],
};
const at: Where = {
  ...{ layout: "striped", scheme: { k: 3, m: 2 }, generation: 2 },
  servers: [1, 2, 3, 4, 5],
};

test("stripes over the network, small needles and long ones", async () => {
  const members = await Members.open(whole.scheme, 5);
  const random = seededRandom(1);
  for (const bytes of [0, 1, 70_000, 1_000_000, 1_100_000, 900_000, 4 * 2 ** 20])
    await members.store(random.needleId(), random.bytes(bytes));
  for (let n = 0; n < 2_000; n++)
    await members.store(random.needleId(), random.bytes(n % 9 === 0 ? 30_000 : 2_000 + n));
  await members.seal();
  await using lines = new AsyncDisposableStack();
  const served = await Promise.all(members.servers.map((server) => pair(server)));
  for (const line of served) lines.use(line);
  members.reach = (i) => served[i]?.blocks ?? members.server(i);
  const on = (i: number) => served[i]?.blocks ?? members.server(i);
  const { encoding, needles, readBytes, writtenBytes } = await on(1).convert(
    orderOf(members, whole, at, 1),
  );
  expect(needles).toBe(members.stored.size);
  expect(writtenBytes).toBeLessThan(readBytes * 1.9);
  for (const i of at.servers) await on(i).switchGeneration({ ...members.at(i, 2), encoding });
  const all = { offset: 0, lengthBytes: 2 ** 22 };
  for (const [needle, [content = Buffer.alloc(0)]] of members.stored) {
    const first = at.servers[Number(needle % 3n)] ?? 1;
    const reply = await on(first).read({ ...members.at(first, 2), needle, ...all });
    if (reply.kind === "data") expect(content.equals(reply.data)).toBe(true);
    if (reply.kind !== "elsewhere") {
      expect(reply.kind).toBe("data");
      continue;
    }
    const there = at.servers[reply.range] ?? 1;
    const found = await on(there).readStripe({
      ...{ ...members.at(there, 2), encoding, offset: reply.at, lengthBytes: content.length },
    });
    expect(crc32c(found.data)).toBe(found.sum);
    expect(content.equals(found.data)).toBe(true);
    const { needleBytes, checksums } = reply;
    expect(firstBadSpan(BLOCK, needle, needleBytes, found.data, checksums)).toBe(-1);
  }
  const before = members.disks[3]?.contentOf("/data/00000007.block");
  await on(0).retire({ ...members.at(0), surplus: true });
  const sources = at.servers.flatMap((i, piece) =>
    i === 3 ? [] : [{ piece, device: members.at(i).device, address: String(i) }],
  );
  await on(0).rebuild({
    ...{ ...members.at(0, 2), piece: 2, scheme: at.scheme, layout: "striped", sources },
  });
  expect(members.disks[0]?.contentOf("/data/00000007.block")).toEqual(before);
  const [gone = 0n as NeedleId] = members.stored.keys();
  await on(0).remove(members.at(0, 2), [gone]);
  for (const line of served) expect(line.reported).toEqual([]);
});
