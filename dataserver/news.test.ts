import { describe, expect, test } from "vitest";
import type { BlockId } from "../base/ids.ts";
import type { NewsMark } from "../rpc/block-service.ts";
import { addressOf, blockFile, openFixture, store } from "../test/block-fixture.ts";
import { News } from "./news.ts";

const block = (n: number) => n as BlockId;

describe("the news of a device", () => {
  test("tell each block once, by its last change, in pieces that miss nothing", () => {
    const news = new News(5);
    for (const n of [1, 2, 3, 1, 4, 2]) news.changed(block(n));
    expect(news.mark).toEqual({ era: 5, number: 6 });
    const first = news.since({ era: 5, number: 0 }, 2);
    expect(first).toEqual({ blocks: [3, 1], upTo: { era: 5, number: 4 }, more: true });
    news.changed(block(3));
    const second = news.since(first.upTo, 2);
    expect(second).toEqual({ blocks: [4, 2], upTo: { era: 5, number: 6 }, more: true });
    const third = news.since(second.upTo, 2);
    expect(third).toEqual({ blocks: [3], upTo: { era: 5, number: 7 }, more: false });
    expect(news.since(third.upTo, 2).blocks).toEqual([]);
    expect(news.since({ era: 4, number: 7 }, 9).blocks).toHaveLength(4);
  });
});

describe("a report", () => {
  test("names what was made, sealed, removed from, harmed and went, and not what was appended", async () => {
    const f = await openFixture();
    const at = (n: number, generation = 1) => addressOf(f, block(n), generation);
    let after: NewsMark = { era: 0, number: 0 };
    const news = async () => {
      const report = await f.server.report(f.device, after, 100);
      after = report.upTo;
      const [status] = await f.server.devices();
      expect(status?.news).toEqual(after);
      return [report.blocks.map((one) => one.block), report.gone];
    };
    for (const n of [1, 2, 3]) await f.server.createBlock(at(n));
    expect(await news()).toEqual([[1, 2, 3], []]);
    await store(f, 5n as never, at(1), Buffer.alloc(200_000, 1));
    await store(f, 6n as never, at(2));
    expect(await news()).toEqual([[], []]);
    for (const n of [2, 1]) await f.server.sealBlock(at(n));
    expect(await news()).toEqual([[2, 1], []]);
    await f.server.remove(at(2), [6n as never]);
    f.disk.flip(blockFile(block(1)), 100_000);
    await f.server.scrub(f.device, { bytesPerSecond: 2 ** 40 });
    expect(await news()).toEqual([[1, 2], []]);
    await f.server.compact(at(2));
    await f.server.switchGeneration(at(2, 2));
    await f.server.retire(at(3));
    expect(await news()).toEqual([[2], [3]]);
    await f.server[Symbol.asyncDispose]();
    const again = await openFixture(f.disk);
    const { blocks } = await again.server.report(again.device, after, 100);
    expect(blocks.map((one) => [one.block, one.generation, one.damage.length])).toEqual([
      [1, 1, 1],
      [2, 2, 0],
    ]);
  });
});
