/**
 * What devices hold that the metadata does not know. A block is made on its members first and known
 * to the metadata second, so a crash between leaves only empty files.
 */
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { BlockAddress, BlockService, BlockStatus } from "../rpc/block-service.ts";
import type { Group } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";

export interface StockOptions {
  readonly group: Group;
  readonly blocks: BlockService;
  readonly report: (message: string) => void;
}

const PAGE = 1_000;

/** Of all devices that can be asked. */
export async function takeStock(
  options: StockOptions,
  saw: (block: BlockId) => void,
): Promise<void> {
  for (const { device, state } of await options.blocks.devices())
    if (state !== "failed" && state !== "down")
      await takeStockOf(options, device, saw).catch((error: unknown) =>
        options.report(`what device ${device} holds is not known yet: ${error}`),
      );
}

/** Calls `saw` with every block of a device, and removes the empty ones that nobody knows. */
export async function takeStockOf(
  options: StockOptions,
  device: DeviceId,
  saw: (block: BlockId) => void,
): Promise<void> {
  for (let after = 0; ; ) {
    const page = await options.blocks.blocks(device, after, PAGE);
    for (const status of page) {
      saw(status.block);
      await tidy(options, device, status);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.block;
  }
}

async function tidy(
  options: StockOptions,
  device: DeviceId,
  { block, generation, needles }: BlockStatus,
): Promise<void> {
  const { group, report } = options;
  if (read(group.state, keys.block(block)) !== undefined) return;
  if (needles === 0) await abandon(options, { device, block, generation });
  else
    report(
      `device ${device} holds block ${block} with ${needles} needles that the metadata does not know; it is left alone`,
    );
}

/**
 * Removes a block that was made and not added. Another leader may be about to add it, or has done so:
 * only a command can tell (INV-7).
 */
export async function abandon(
  { group, blocks, report }: StockOptions,
  { device, block, generation }: BlockAddress,
): Promise<void> {
  try {
    const gone = read(group.state, keys.removedBlock(block))?.generation ?? 0;
    if (gone < generation) await group.propose({ type: "abandonBlock", block, generation });
    await blocks.retire({ device, block, generation });
  } catch (error) {
    report(`block ${block} of ${device} stays: ${error}`);
  }
}
