import { expect, test } from "vitest";
import { replaceWhole } from "../base/disk.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { StateFolder } from "./state-folder.ts";
import { MemoryState } from "./state-memory.ts";

async function opened(disk: SimulatedDisk, mustExist: boolean) {
  const places: (readonly [string, boolean])[] = [];
  const openStore = async (place: string, must: boolean) => {
    places.push([place, must]);
    await disk.makeDirectory(place);
    return new MemoryState();
  };
  const folder = await StateFolder.open(disk, "/ns/state", openStore, mustExist);
  return { folder, places };
}

test("a state from before there were folders stays where it is, until it is replaced", async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory("/ns/state");
  await replaceWhole(disk, "/ns/state/CURRENT", Buffer.from("MANIFEST-000001\n"));
  for (let start = 0; start < 2; start++)
    expect((await opened(disk, true)).places).toEqual([["/ns/state", true]]);
  const { folder } = await opened(disk, true);
  await folder.beside();
  await folder.replace();
  expect((await opened(disk, true)).places).toEqual([["/ns/state/1", true]]);
});

test("without the file that names the state, nothing is guessed", async () => {
  const disk = new SimulatedDisk();
  await expect(opened(disk, true)).rejects.toMatchObject({ code: "Damaged" });
  await disk.makeDirectory("/ns/state");
  await replaceWhole(disk, "/ns/state/CURRENT", Buffer.from("MANIFEST-000001\n"));
  const { folder } = await opened(disk, true);
  await folder.beside();
  await replaceWhole(disk, "/ns/state/1/CURRENT", Buffer.from("MANIFEST-000001\n"));
  await disk.remove("/ns/state/current");
  await expect(opened(disk, true)).rejects.toMatchObject({ code: "Damaged" });
});

test("of states that were replaced the last is kept while it runs, none behind the next start", async () => {
  const disk = new SimulatedDisk();
  const { folder } = await opened(disk, false);
  const files = () => disk.paths().filter((path) => path.endsWith("/table"));
  const fill = (number: number) =>
    replaceWhole(disk, `/ns/state/${number}/table`, Buffer.from("rows"));
  await fill(1);
  for (let number = 2; number <= 5; number++) {
    await folder.beside();
    await fill(number);
    await folder.replace();
    expect(files()).toEqual([`/ns/state/${number - 1}/table`, `/ns/state/${number}/table`]);
  }
  await folder.beside();
  await fill(6);
  await opened(disk, true);
  expect(files()).toEqual(["/ns/state/5/table"]);
});
