/** What tests of the block store share: a server on a simulated disk, and needles to store in it. */
import { SimulatedClock } from "../base/clock-simulated.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import {
  type Dataserver,
  type DataserverOptions,
  openDataserver,
} from "../dataserver/dataserver.ts";
import type { DiskReport } from "../dataserver/report.ts";
import type { AppendReply, BlockAddress, ReadReply } from "../rpc/block-service.ts";
import { firstBadSpan, needleChecksums } from "../rpc/needle-checksums.ts";

export const DIRECTORY = "/data";
export const BLOCK = 7 as BlockId;
export const blockFile = (block = BLOCK) =>
  `${DIRECTORY}/${block.toString(16).padStart(8, "0")}.block`;
export const indexFile = (block = BLOCK) =>
  `${DIRECTORY}/${block.toString(16).padStart(8, "0")}.index`;

export interface Fixture {
  readonly disk: SimulatedDisk;
  readonly clock: SimulatedClock;
  readonly reports: DiskReport[];
  readonly server: Dataserver;
  readonly device: DeviceId;
}

export async function openFixture(
  disk = new SimulatedDisk(),
  options: Partial<DataserverOptions> = {},
): Promise<Fixture> {
  const clock = new SimulatedClock();
  const reports: DiskReport[] = [];
  const server = await openDataserver({
    disk,
    clock,
    random: seededRandom(disk.operations + 1),
    directories: [DIRECTORY],
    reserveBytes: 0,
    extendBytes: 2048,
    report: (report) => reports.push(report),
    ...options,
  });
  const device = (await server.devices())[0]?.device as DeviceId;
  return { disk, clock, reports, server, device };
}

export const addressOf = (f: Fixture, block = BLOCK, generation = 1): BlockAddress => ({
  device: f.device,
  block,
  generation,
});

/** The bytes that needle `id` has, for any id: so that any answer can be judged. */
export function bytesOf(needle: NeedleId, length?: number): Buffer {
  const random = seededRandom(Number(needle & 0xffffffffn));
  return random.bytes(length ?? lengthOf(random));
}

function lengthOf(random: Random): number {
  const shapes = [0, 1, 7, 8, 100, 600, 4096, 65_536, 65_537, 140_000];
  return shapes[random.u32() % 7] ?? 0;
}

export async function store(
  f: Fixture,
  needle: NeedleId,
  address = addressOf(f),
  data = bytesOf(needle),
): Promise<AppendReply["kind"]> {
  const checksums = needleChecksums(address.block, needle, data);
  const owner = { blob: Number(needle % 1000n) as BlobId, chunk: 3 };
  const request = { ...address, needle, owner, lengthBytes: data.length, checksums };
  return (await f.server.append(request, data)).kind;
}

/** The whole needle, verified as a client does it; or the kind of the answer. */
export async function load(
  f: Fixture,
  needle: NeedleId,
  block = BLOCK,
): Promise<Buffer | "missing" | "damaged" | "wrong" | "elsewhere"> {
  const reply: ReadReply = await f.server.read({
    device: f.device,
    block,
    needle,
    offset: 0,
    lengthBytes: 2 ** 31,
  });
  if (reply.kind !== "data") return reply.kind;
  const { needleBytes, data, checksums } = reply;
  const bad = firstBadSpan(block, needle, needleBytes, data, checksums);
  return bad >= 0 || data.length !== needleBytes ? "wrong" : Buffer.from(data);
}

/** Ids of the live needles of a block by its listing. */
export async function listed(f: Fixture, address = addressOf(f), page = 3): Promise<NeedleId[]> {
  const found: NeedleId[] = [];
  let cursor: number | undefined = 0;
  while (cursor !== undefined) {
    const reply: Awaited<ReturnType<Dataserver["needles"]>> = await f.server.needles(
      address,
      cursor,
      page,
    );
    found.push(...reply.entries.map((entry) => entry.needle));
    cursor = reply.next;
  }
  return found;
}
