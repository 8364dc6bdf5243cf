/** How a member is made: what is ordered, in which order, and what is not when something is in the way. */
import { expect, test } from "vitest";
import { QuarryError } from "../../../base/errors.ts";
import type { BlockId, DeviceId } from "../../../base/ids.ts";
import type { BlockService, BlockStatus } from "../../../rpc/block-service.ts";
import type { PoolScheme } from "../../../rpc/pool.ts";
import type { Held } from "../../stock/stock.ts";
import type { RemakeNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import { remake } from "./remake-run.ts";

const block = 9 as BlockId;
const [a, b, to] = ["a", "b", "t"] as unknown as [DeviceId, DeviceId, DeviceId];
const held: Held = {
  ...{ generation: 3, sealed: true, needles: 2, liveBytes: 9, fileBytes: 99, digest: 7n },
  damagedBytes: 0,
};
const status: BlockStatus = { block, ...held, damage: [] };
const source = { piece: 0, device: a, address: "at a", held };

const split: PoolScheme = { k: 2, m: 1 };
const pieceOf = (piece: number) => ({ checkedMs: 1, piece: { piece, scheme: split } });

function need(more: Partial<RemakeNeed> = {}): RemakeNeed {
  const base = { block, generation: 3, spare: 0, bytes: 9, targets: [to], readers: [a] };
  return {
    ...base,
    kind: "rebuild",
    position: 1,
    from: b,
    to,
    sources: [source],
    awaited: [],
    ...more,
  };
}

interface Scene {
  readonly scheme?: PoolScheme;
  readonly has?: Partial<Held>;
  readonly isNeeded?: boolean;
  readonly isRetiring?: boolean;
  readonly switches?: "NoSuchBlock" | "Unavailable";
  readonly lost?: { readonly unasked: readonly DeviceId[] };
}

async function done(scene: Scene, one: RemakeNeed): Promise<string> {
  const did: string[] = [];
  const orders = {
    rebuild: async ({ replaces }: { replaces?: number }) => {
      did.push(replaces === undefined ? "rebuild" : `rebuild for ${replaces}`);
      const { unasked = [] } = scene.lost ?? {};
      const moved = { readBytes: 1, writtenBytes: 1 };
      return { status, ...moved, lost: [], lostCount: scene.lost ? 1 : 0, unasked };
    },
    sealBlock: async () => {
      did.push("seal");
      return status;
    },
    switchGeneration: async () => {
      did.push("switch");
      if (scene.switches !== undefined) throw new QuarryError(scene.switches, "no");
    },
    blocks: async () => {
      did.push("compare");
      return [status];
    },
  } as unknown as BlockService;
  const stock = {
    of: () => new Map(scene.has === undefined ? [] : [[block, { ...held, ...scene.has }]]),
    learn: () => did.push("learn"),
  };
  const context = {
    ...{ orders, stock, pace: undefined, report: () => did.push("report"), moved: () => undefined },
    propose: async ({ type }: { type: string }) => void did.push(type),
    rowOf: () => ({ scheme: scene.scheme ?? { k: 1, m: 1 } }),
    isRetiring: () => scene.isRetiring === true,
    isNeeded: () => scene.isNeeded !== false,
  } as unknown as RunContext;
  await remake(context, one).catch((error: QuarryError) => did.push(error.code));
  return did.join(" ");
}

test.each([
  ["it is made, and then a member", {}, {}, "rebuild learn moveMember compare"],
  ["in its place it is one already", {}, { from: to }, "rebuild learn"],
  [
    "it has another piece, which gives way",
    { has: { checkedMs: 1 } },
    { replaces: 0 },
    "rebuild for 0 learn moveMember compare",
  ],
  ["nobody needs it any more", { isNeeded: false }, {}, "rebuild learn"],
  ["it has built that generation", {}, { kind: "switch", from: to }, "switch"],
  ["it has not", { switches: "NoSuchBlock" }, { kind: "switch", from: to }, "switch rebuild learn"],
  ["it is away", { switches: "Unavailable" }, { kind: "switch", from: to }, "switch Unavailable"],
  ["it has all of it, checked", { has: { checkedMs: 1 } }, {}, "seal learn moveMember compare"],
  ["it has it, but who knows how", { has: {} }, {}, "rebuild learn moveMember compare"],
  [
    "it has other needles",
    { has: { checkedMs: 1, digest: 8n } },
    {},
    "rebuild learn moveMember compare",
  ],
  [
    "it has harmed ones",
    { has: { checkedMs: 1, damagedBytes: 1 } },
    {},
    "rebuild learn moveMember compare",
  ],
  [
    "of the generation before",
    { has: { checkedMs: 1, generation: 2 } },
    {},
    "rebuild learn moveMember compare",
  ],
  ["it has that piece", { scheme: split, has: pieceOf(1) }, {}, "seal learn moveMember compare"],
  [
    "it has another piece by now",
    { scheme: split, has: pieceOf(0) },
    {},
    "rebuild learn moveMember compare",
  ],
  [
    "it may yet let go of it",
    { has: { checkedMs: 1 }, isRetiring: true },
    {},
    "rebuild learn moveMember compare",
  ],
  [
    "needles are lost that somebody may have",
    { lost: { unasked: [b] } },
    {},
    "rebuild TooFewPieces",
  ],
  [
    "needles are lost that a member which is away may have",
    { lost: { unasked: [] } },
    { awaited: [a] },
    "rebuild TooFewPieces",
  ],
  [
    "needles are lost for good",
    { lost: { unasked: [] } },
    {},
    "rebuild report learn moveMember compare",
  ],
] as const)("%s", async (_, scene, more, what) => {
  expect(await done(scene, need(more))).toBe(what);
});
