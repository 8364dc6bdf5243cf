/** Which files of conversions are waited for, and which were left by one that was given up. */
import { expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { BlockRow } from "../rows.ts";
import { isAwaited } from "./staged.ts";

const device = "a" as DeviceId;
const staged = { block: 7 as BlockId, generation: 3, encoding: 99 };
const row: Pick<BlockRow, "generation" | "encoding" | "members"> = {
  ...{ generation: 3, encoding: 99, members: [device, "b" as DeviceId] },
};

test.each([
  ["the block is at it, and the device has not switched", row, staged, true],
  ["the block was removed", undefined, staged, false],
  ["the block never went there", { ...row, generation: 2 }, staged, false],
  ["the block went further", { ...row, generation: 4 }, staged, false],
  ["the block went there with another encoding", { ...row, encoding: 98 }, staged, false],
  ["it went there by compaction", { generation: 3, members: row.members }, staged, false],
  ["the device is no member", { ...row, members: ["b" as DeviceId] }, staged, false],
  ["its file cannot be read", row, { block: staged.block, generation: 3 }, false],
])("%s", (_, block, one, expected) => {
  expect(isAwaited(block, device, one)).toBe(expected);
});
