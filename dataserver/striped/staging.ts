/**
 * Files of a next generation that another dataserver writes here, part by part: one for each block, in
 * order, and each of one encoding. When it is whole it is made durable, read back and waits, also over
 * restarts, until it is switched to.
 */
import type { DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import type { BlockAddress, BlockStatus } from "../../rpc/block-service.ts";
import type { Encoding, StageOrder } from "../../rpc/stripe-service.ts";
import { readBack } from "../block-file.ts";
import type { Device } from "../device.ts";
import { stagedPath } from "../file-names.ts";
import { stale } from "../generations.ts";
import { NeedleIndex } from "../needle-index.ts";
import { decodeSuperblock, isStriped, SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";
import { checkStripe } from "./check.ts";
import { readPart, Stripe } from "./stripe.ts";

interface Staging {
  readonly encoding: Encoding;
  readonly generation: number;
  readonly file: DiskFile;
  endBytes: number;
}

export class Stagings {
  readonly #open = new Map<BlockId, Staging>();

  /** Alone on its block. */
  async write(device: Device, order: StageOrder, offset: number, data: Uint8Array): Promise<void> {
    const { block, generation, encoding } = order;
    checkGeneration(device, order);
    await device.parts.space.ask();
    if (!(await device.parts.space.take(data.length)))
      throw new QuarryError("DiskFull", `no room on ${device.directory} for block ${block}`);
    if (offset === 0) {
      await this.#close(block);
      const { disk } = device.options;
      const path = unfinished(device, order);
      await disk.remove(path);
      const file = await disk.open(path, "create");
      this.#open.set(block, { encoding, generation, file, endBytes: 0 });
    }
    const staging = this.#staging(order);
    if (staging.endBytes !== offset)
      throw new QuarryError("InvalidArgument", `${staging.endBytes} bytes are here, not ${offset}`);
    await staging.file.write([data], offset);
    staging.endBytes += data.length;
  }

  async finish(device: Device, order: StageOrder, fileBytes: number): Promise<BlockStatus> {
    checkGeneration(device, order);
    const { disk } = device.options;
    const { file, endBytes } = this.#staging(order);
    if (endBytes !== fileBytes)
      throw new QuarryError("InvalidArgument", `${endBytes} of ${fileBytes} bytes are here`);
    try {
      await file.sync();
      const status = await verified(file, order, fileBytes);
      await this.#close(order.block);
      await disk.rename(unfinished(device, order), stagedOf(device, order));
      await disk.syncDirectory(device.directory);
      return status;
    } catch (error) {
      await this.#close(order.block);
      throw error;
    }
  }

  async drop(device: Device, order: BlockAddress): Promise<void> {
    checkGeneration(device, order);
    await this.#close(order.block);
    await device.options.disk.remove(unfinished(device, order));
    await device.options.disk.remove(stagedOf(device, order));
    await device.options.disk.syncDirectory(device.directory);
  }

  async end(): Promise<void> {
    for (const block of [...this.#open.keys()]) await this.#close(block);
  }

  #staging({ block, generation, encoding }: StageOrder): Staging {
    const staging = this.#open.get(block);
    if (staging?.encoding === encoding && staging.generation === generation) return staging;
    throw new QuarryError("Cancelled", `block ${block} is being written by another, or by nobody`);
  }

  async #close(block: BlockId): Promise<void> {
    const staging = this.#open.get(block);
    this.#open.delete(block);
    await staging?.file.close();
  }
}

const stagedOf = ({ directory }: Device, { block, generation }: BlockAddress) =>
  stagedPath(directory, block, generation);
const unfinished = (device: Device, order: BlockAddress) => `${stagedOf(device, order)}.new`;

function checkGeneration(device: Device, { block, generation }: BlockAddress): void {
  const there = device.parts.blocks.get(block);
  if (there !== undefined && there.generation >= generation) throw stale(there, generation);
}

/** Every byte of it is read. @throws QuarryError `Damaged`. */
async function verified(
  file: DiskFile,
  { block, generation, encoding }: StageOrder,
  fileBytes: number,
): Promise<BlockStatus> {
  const head = await readPart(file, 0, SUPERBLOCK_BYTES);
  const superblock = head && decodeSuperblock(head, file.path);
  const isRight =
    superblock?.block === block &&
    superblock.generation === generation &&
    superblock.salt === encoding &&
    (await file.lengthBytes()) === fileBytes;
  if (!isRight) throw new QuarryError("Damaged", `${file.path} is not what was to be written`);
  const index = await indexOf(file, superblock, fileBytes);
  const { live, liveBytes, digest } = index;
  const { piece, k, m } = superblock;
  return {
    ...{ block, generation, sealed: true, needles: live, liveBytes, fileBytes, digest },
    ...{ piece: { piece, scheme: { k, m } }, damage: [] },
    ...(isStriped(superblock) && { layout: "striped" as const }),
  };
}

async function indexOf(
  file: DiskFile,
  superblock: Superblock,
  fileBytes: number,
): Promise<NeedleIndex> {
  if (!isStriped(superblock)) return await readBack(file, superblock, fileBytes);
  const stripe = await Stripe.read(file, superblock);
  const damaged = () => new QuarryError("Damaged", `${file.path} was read back with errors`);
  if (stripe === undefined || stripe.geometry.recordsAt !== fileBytes) throw damaged();
  await checkStripe(file, stripe, () => Promise.reject(damaged()));
  return NeedleIndex.sorted(stripe.rows);
}
