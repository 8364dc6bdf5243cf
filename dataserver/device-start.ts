/**
 * Starts a device: locks the directory, reads its identity, takes away what was unfinished and
 * opens its blocks, a few at a time.
 */

import { QuarryError } from "../base/errors.ts";
import { ensureIdentity, readIdentity } from "../base/identity.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockStatus } from "../rpc/block-service.ts";
import { Block, type BlockHome } from "./block.ts";
import { Checks } from "./checks.ts";
import { type CheckedBlock, takeChecks } from "./checks-file.ts";
import type { DeviceOptions, DeviceParts } from "./device-parts.ts";
import { blockPath, indexPath, storedFile } from "./file-names.ts";
import { FreeSpace } from "./free-space.ts";
import { News } from "./news.ts";
import { recoverBlock } from "./recover.ts";
import { TermFile } from "./term-file.ts";

export async function openDevice(options: DeviceOptions): Promise<DeviceParts> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(directory);
  try {
    const names = await disk.list(directory);
    const id = await identify(options, names);
    const failure: DeviceParts["failure"] = {};
    const term = await TermFile.open(disk, directory, options.report);
    const news = new News(options.random.u32());
    const checks = new Checks((block) => news.changed(block));
    const checked = await takeChecks(disk, directory, options.opener, options.report);
    const blocks = new Map<BlockId, Block>();
    const home = homeFor(options, failure, news, checks, blocks);
    const unreadable = new Map<BlockId, BlockStatus>();
    const waiting = blockIdsIn(names);
    const openNext = async () => {
      for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
        const opened = await openBlock(options, home, block);
        if (opened instanceof Block) blocks.set(block, opened);
        else unreadable.set(block, opened);
      }
    };
    await Promise.all(Array.from({ length: limits.blocksOpening }, openNext));
    await removeLeftovers(options, names, blocks, unreadable);
    // A name that the life before made and did not sync may be in use from now on.
    await disk.syncDirectory(directory);
    const space = new FreeSpace(disk, options.clock, directory, options.reserveBytes);
    for (const block of [...blocks.keys(), ...unreadable.keys()].sort((a, b) => a - b))
      news.changed(block);
    recallChecks(blocks, checked, checks);
    return { id, lock, space, blocks, unreadable, home, failure, term, news, checks };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

function blockIdsIn(names: readonly string[]): BlockId[] {
  return names.flatMap((name) => {
    const file = storedFile(name);
    return file?.kind === "block" ? [file.block] : [];
  });
}

/** Blocks without an identity are not given a new one: then nobody would look for them here. */
async function identify(options: DeviceOptions, names: readonly string[]): Promise<DeviceId> {
  const { disk, directory } = options;
  if (blockIdsIn(names).length > 0 && (await readIdentity(disk, directory)) === undefined)
    throw new QuarryError(
      "Damaged",
      `${directory} holds blocks but no identity.json; restore that file, or move the blocks away`,
    );
  return (await ensureIdentity(disk, directory, "device", options)).id as DeviceId;
}

/** What the last end left counts for blocks that are as they were then. */
function recallChecks(
  blocks: ReadonlyMap<BlockId, Block>,
  checked: readonly CheckedBlock[],
  checks: Checks,
): void {
  const known = new Map(checked.map((one) => [one.block, one]));
  for (const [id, { generation, tailBytes, damage }] of blocks) {
    const one = known.get(id);
    const isSame = one?.generation === generation && one.lengthBytes === tailBytes;
    if (isSame && damage.length === 0) checks.made(id, generation, one.goodMs);
    else checks.doubt(id, generation);
  }
}

function homeFor(
  options: DeviceOptions,
  failure: DeviceParts["failure"],
  news: News,
  checks: Checks,
  blocks: ReadonlyMap<BlockId, Block>,
): BlockHome {
  const { disk, clock, files, durability, blockBytes, extendBytes, directory } = options;
  const { report } = options;
  const onFailure = (reason: QuarryError) => {
    if (failure.reason !== undefined) return;
    failure.reason = reason;
    checks.doubtAll();
    const message = `${directory} takes no more writes: ${reason.message}`;
    report({ kind: "device-failed", path: directory, message });
  };
  const onChange = (block: BlockId) => news.changed(block);
  return {
    ...{ disk, clock, files, durability, blockBytes, extendBytes, report, checks },
    ...{ onFailure, onChange },
    isCurrent: (block) => blocks.get(block.superblock.block) === block,
  };
}

async function openBlock(
  { disk, directory, report }: DeviceOptions,
  home: BlockHome,
  block: BlockId,
): Promise<Block | BlockStatus> {
  const paths = { blockPath: blockPath(directory, block), indexPath: indexPath(directory, block) };
  const state = await recoverBlock({ disk, report, block, ...paths });
  if (state !== undefined) return new Block(home, paths.blockPath, paths.indexPath, state);
  await using file = await disk.open(paths.blockPath, "read");
  const lengthBytes = await file.lengthBytes();
  return {
    block,
    generation: 0,
    sealed: true,
    needles: 0,
    liveBytes: 0,
    fileBytes: lengthBytes,
    digest: 0n,
    damage: [{ offset: 0, lengthBytes }],
  };
}

/**
 * Files of creations, compactions and removals that did not end. A generation that is complete and
 * waits for its switch stays.
 */
async function removeLeftovers(
  { disk, directory, report }: DeviceOptions,
  names: readonly string[],
  blocks: ReadonlyMap<BlockId, Block>,
  unreadable: ReadonlyMap<BlockId, BlockStatus>,
): Promise<void> {
  for (const name of names) {
    const file = storedFile(name);
    if (file === undefined || file.kind === "block") continue;
    if (file.kind !== "unfinished") {
      if (unreadable.has(file.block)) continue;
      const generation = blocks.get(file.block)?.generation;
      if (file.kind === "index" && generation !== undefined) continue;
      if (file.kind === "built" && file.generation - 1 === generation) continue;
      if (file.kind === "staged" && file.generation > (generation ?? 0)) continue;
    }
    const path = `${directory}/${name}`;
    await disk.remove(path);
    report({
      kind: "leftover",
      path,
      message: `${path} was left by an unfinished change; removed`,
    });
  }
}
