/** Needles that the nameserver itself writes into blocks, and reads back. */
import { crc32c } from "../../base/checksum.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { DeviceId, NeedleOwner } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { AppendReply, BlockService } from "../../rpc/block-service.ts";
import { filled, type OpenBlock } from "../../rpc/name-service.ts";
import { firstBadSpan, needleChecksums } from "../../rpc/needle-checksums.ts";
import type { Chunk } from "../../rpc/objects.ts";
import type { OpenBlocks } from "../open-blocks.ts";

export interface CopyNeedlesOptions {
  readonly blocks: BlockService;
  readonly openBlocks: OpenBlocks;
  readonly random: Random;
}

export class CopyNeedles {
  readonly #options: CopyNeedlesOptions;

  constructor(options: CopyNeedlesOptions) {
    this.#options = options;
  }

  /** Whether there is anywhere to write to. */
  async canWrite(): Promise<boolean> {
    const devices = await this.#options.blocks.devices();
    return devices.some(({ state }) => state === "ok");
  }

  /**
   * Stores one needle on every member of an open block (INV-2).
   * @param turn Which of the open blocks is tried first: copies are spread over the devices.
   */
  async append(owner: NeedleOwner, data: Buffer, turn: number): Promise<Chunk> {
    const { openBlocks, random } = this.#options;
    for (let attempt = 0; attempt <= limits.retries; attempt++) {
      const open = await openBlocks.get(await openBlocks.ownPool(), "copies");
      const block = byDevice(open)[(turn + attempt) % open.length];
      if (block === undefined) break;
      const needle = random.needleId();
      const kind = await this.#appendTo(block, needle, owner, data);
      if (kind === "stored")
        return { block: block.block, needle, lengthBytes: data.length, crc32c: crc32c(data) };
      if (kind !== "duplicate") await openBlocks.seal(block.block, block.generation);
    }
    throw new QuarryError("Unavailable", "no block took a copy of the metadata");
  }

  async #appendTo(
    { block, generation, members }: OpenBlock,
    needle: Chunk["needle"],
    owner: NeedleOwner,
    data: Buffer,
  ): Promise<AppendReply["kind"] | "failed"> {
    const checksums = needleChecksums(block, needle, data);
    const append = async (device: DeviceId) => {
      try {
        const request = { device, block, generation, needle, owner, checksums };
        return (await this.#options.blocks.append({ ...request, lengthBytes: data.length }, data))
          .kind;
      } catch (error) {
        if (hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout")) return "failed";
        throw error;
      }
    };
    const kinds = await Promise.all(filled(members).map(append));
    return kinds.find((kind) => kind !== "stored") ?? "stored";
  }

  /**
   * Reads a needle back from one of its members and checks it.
   * @throws QuarryError `Damaged` when it is not what was written.
   */
  async read(chunk: Chunk, device: DeviceId): Promise<Buffer> {
    const { block, needle, lengthBytes } = chunk;
    const data = Buffer.alloc(lengthBytes);
    for (let offset = 0; offset < lengthBytes; offset += limits.readWindowBytes) {
      const wanted = Math.min(limits.readWindowBytes, lengthBytes - offset);
      const request = { device, block, needle, offset, lengthBytes: wanted };
      const reply = await this.#options.blocks.read(request);
      const good =
        reply.kind === "data" &&
        firstBadSpan(block, needle, lengthBytes, reply.data, reply.checksums) < 0;
      if (!good) throw notWritten(chunk);
      data.set(reply.data, offset);
    }
    if (crc32c(data) !== chunk.crc32c) throw notWritten(chunk);
    return data;
  }
}

/** One block of each device first, so that those that follow in turn are on different ones. */
function byDevice(open: readonly OpenBlock[]): readonly OpenBlock[] {
  const seen = new Set<DeviceId>();
  const isFirst = ({ members }: OpenBlock) => {
    const known = filled(members).some((device) => seen.has(device));
    for (const device of filled(members)) seen.add(device);
    return !known;
  };
  const first = open.filter(isFirst);
  return [...first, ...open.filter((block) => !first.includes(block))];
}

const notWritten = ({ block, needle }: Chunk) =>
  new QuarryError(
    "Damaged",
    `a copy of the metadata was not read back as it was written (block ${block}, needle ${needle.toString(16)})`,
  );
