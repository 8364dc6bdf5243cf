import { expect, test } from "vitest";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import type { NodeId } from "../../base/ids.ts";
import { type MemberRecord, readMember, sameRecord, writeMember } from "./member-file.ts";

const record: MemberRecord = {
  ...{ node: 4 as NodeId, token: "a-token", founders: [], voters: [1, 2] as NodeId[] },
  addresses: new Map([[4 as NodeId, { host: "::1", port: 7 }]]),
};

async function written(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.makeDirectory("/ns");
  await writeMember(disk, "/ns", record);
  return disk;
}

test("what is written is read, and nothing in an empty folder", async () => {
  const read = await readMember(await written(), "/ns");
  expect(typeof read === "object" && sameRecord(read, record)).toBe(true);
  expect(await readMember(new SimulatedDisk(), "/ns")).toBeUndefined();
});

test("a number alone is what earlier versions wrote", async () => {
  const disk = new SimulatedDisk();
  disk.plant("/ns/member", Buffer.from("3\n"));
  expect(await readMember(disk, "/ns")).toBe(3);
});

test("no flipped bit makes another member of it", async () => {
  const bytes = (await written()).contentOf("/ns/member");
  for (let at = 0; at < bytes.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const disk = await written();
      disk.flip("/ns/member", at, 1 << bit);
      const read = await readMember(disk, "/ns").catch((error: unknown) => error);
      if (read instanceof Error) expect(read).toMatchObject({ name: "QuarryError" });
      else expect(typeof read === "object" && sameRecord(read as MemberRecord, record)).toBe(true);
    }
});
