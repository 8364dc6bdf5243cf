/** Stands for dataservers where there are none: metadata can be kept without any. */
import { QuarryError } from "../base/errors.ts";
import type { BlockService } from "../rpc/block-service.ts";

const none = () =>
  Promise.reject(new QuarryError("NoSuchDevice", "this nameserver has no dataservers"));

export const noBlocks: BlockService = {
  devices: async () => [],
  blocks: none,
  createBlock: none,
  append: none,
  read: none,
  remove: none,
  sealBlock: none,
  needles: none,
  compact: none,
  switchGeneration: none,
  retire: none,
  report: none,
  inventory: none,
  fetch: none,
  records: none,
  rebuild: none,
  rebuilds: none,
  readStripe: none,
  stage: none,
  finishStage: none,
  dropStage: none,
  convert: none,
  staged: none,
};
