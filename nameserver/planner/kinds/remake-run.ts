/**
 * Makes a member: switches it to the generation that it has built, takes over what a device still has
 * of it, or has it made anew. Then one command makes it a member. May be repeated at any point.
 */
import { hasCode, QuarryError } from "../../../base/errors.ts";
import type { BlockStatus } from "../../../rpc/block-service.ts";
import type { Rebuilt } from "../../../rpc/healing-service.ts";
import { layoutOf, WHOLE } from "../../../rpc/pool.ts";
import { catchUp } from "../catch-up.ts";
import type { RemakeNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import { isPiece } from "../view.ts";

export async function remake(context: RunContext, need: RemakeNeed): Promise<void> {
  const { block, generation, position, from, to } = need;
  if (need.kind === "switch" && (await switched(context, need))) return;
  const status = (await adopted(context, need)) ?? (await rebuilt(context, need));
  context.stock.learn(to, status);
  if (from === to) return;
  // A device that came back meanwhile may have made it needless: then what was made is surplus.
  if (!context.isNeeded()) return;
  await context.propose({ type: "moveMember", block, generation, position, from, to });
  await catchUp(context, need, status);
}

/** False when it has not built that generation. */
async function switched({ orders, rowOf }: RunContext, need: RemakeNeed): Promise<boolean> {
  const { block, generation, to } = need;
  const encoding = rowOf(block)?.encoding;
  try {
    await orders.switchGeneration({
      ...{ device: to, block, generation },
      ...(encoding !== undefined && { encoding }),
    });
    return true;
  } catch (error) {
    if (hasCode(error, "NoSuchBlock", "StaleGeneration", "Damaged")) return false;
    throw error;
  }
}

/**
 * What a device has that was away is as good as made anew when it holds the same needles as the others
 * and was read since the last event that could have hurt it.
 */
async function adopted(
  { orders, stock, isRetiring, rowOf }: RunContext,
  { block, generation, position, from, to, sources, replaces }: RemakeNeed,
): Promise<BlockStatus | undefined> {
  const held = stock.of(to)?.get(block);
  if (replaces !== undefined || from === to || held === undefined || held.generation !== generation)
    return undefined;
  if (isRetiring(block, to)) return undefined;
  // It may have come to another one since this was planned, and all of them hold the same needles.
  if (!isPiece(rowOf(block)?.scheme ?? WHOLE, held, position)) return undefined;
  const isChecked = held.checkedMs !== undefined && held.damagedBytes === 0;
  const others = sources.flatMap((source) => (source.held === undefined ? [] : [source.held]));
  const isSame = others.length > 0 && others.every(({ digest }) => digest === held.digest);
  if (!isChecked || !isSame) return undefined;
  // The order tells the device of this term: what a leader before wanted of it is refused from now on.
  const status = await orders.sealBlock({ device: to, block, generation });
  const isWhole = status.digest === held.digest && status.damage.length === 0;
  return isWhole ? status : undefined;
}

async function rebuilt(context: RunContext, need: RemakeNeed): Promise<BlockStatus> {
  const { orders, pace, moved, rowOf } = context;
  const { block, generation, position, to, sources, replaces } = need;
  const row = rowOf(block);
  const scheme = row?.scheme ?? WHOLE;
  const answer = await orders.rebuild({
    ...{ device: to, block, generation, piece: position, scheme },
    layout: row?.layout ?? layoutOf(scheme),
    sources: sources.map(({ piece, device, address }) => ({ piece, device, address })),
    ...(pace !== undefined && { bytesPerSecond: pace }),
    ...(replaces !== undefined && { replaces }),
  });
  moved(answer.readBytes + answer.writtenBytes);
  checkLost(context, need, answer);
  return answer.status;
}

/** Needles that nobody has any more are told; those that somebody away may have are waited for. */
function checkLost(
  { report }: RunContext,
  need: RemakeNeed,
  { lostCount, lost, unasked }: Rebuilt,
) {
  if (lostCount === 0) return;
  const first = lost[0]?.toString(16).padStart(16, "0");
  const away = [...unasked, ...need.awaited];
  if (away.length > 0)
    throw new QuarryError(
      "TooFewPieces",
      `${lostCount} needles of block ${need.block} (${first} …) need device ${away.join(", ")}`,
    );
  report(`block ${need.block}: ${lostCount} needles (${first} …) have too few pieces left`);
}
