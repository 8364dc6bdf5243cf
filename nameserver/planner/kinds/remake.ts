/**
 * A member is made anew: in its place when it is harmed, behind or gone from its device; in another
 * when CRUSH wants it elsewhere, or when its device is lost. Always from the others, read back by who
 * made it, and only then a member (INV-7). What it came from is retired later, as surplus.
 */
import type { DeviceId } from "../../../base/ids.ts";
import type { RemakeNeed, Stuck, Verdict } from "../need.ts";
import { targetsOf } from "../targets.ts";
import {
  type BlockView,
  type Condition,
  isPiece,
  type Member,
  type Source,
  upFacts,
} from "../view.ts";
import { downReason, fullReason, homelessReason, occupiedReason, tooFewReason } from "../why.ts";

/** Made anew where it is. */
const mendable: ReadonlySet<Condition> = new Set(["absent", "behind", "damaged"]);
/** Not to be asked in this generation now, and perhaps before long. */
const comes: ReadonlySet<Condition> = new Set(["away", "unheard", "behind", "ahead"]);
/** What it has, if anything, is of no use. */
const gone: ReadonlySet<Condition> = new Set(["hole", "lost", "absent"]);

/**
 * A harmed member waits for those that are gone: in its place it is made anew only when all that it has
 * can be kept, which takes more members; they take what is good of it, and tell what is lost.
 */
export function remakeVerdict(view: BlockView): Verdict {
  const needs: RemakeNeed[] = [];
  const reasons: Stuck[] = [];
  const homeless = targetsOf(view);
  const moving = new Set(homeless.map(({ member }) => member.position));
  for (const member of view.members)
    if (!moving.has(member.position)) consider(view, member, member.device, needs, reasons);
  for (const { member, to } of homeless) {
    // Without another place it is as good where it is, unless its device shall hold nothing.
    const isAtHome = to === undefined && member.facts?.isIn === true;
    const target = isAtHome ? member.device : to;
    if (target === null || target === undefined)
      reasons.push({ why: homelessReason(view, member) });
    else consider(view, member, target, needs, reasons);
  }
  const rank = ({ kind, position }: RemakeNeed) =>
    kind === "move" ? 2 : view.members[position]?.condition === "damaged" ? 1 : 0;
  const [first] = needs.sort((a, b) => rank(a) - rank(b));
  return { ...(first && { need: first }), ...(reasons[0] !== undefined && { stuck: reasons[0] }) };
}

/** Whether the block, as it is now, still wants this member there. */
export function isWanted(view: BlockView, { generation, position, from, to }: RemakeNeed): boolean {
  const { row } = view;
  if (row.generation !== generation || row.members[position] !== from) return false;
  if (from === to) return true;
  return targetsOf(view).some((one) => one.member.position === position && one.to === to);
}

function consider(
  view: BlockView,
  member: Member,
  to: DeviceId | null,
  needs: RemakeNeed[],
  reasons: Stuck[],
): void {
  const { device, condition } = member;
  if (to === null || (to === device && !mendable.has(condition))) return;
  // Of its generation the metadata hear first (workers/compaction.ts).
  if (condition === "ahead" || condition === "unheard") return;
  const facts = upFacts(view.devices.get(to));
  if (facts === undefined) {
    // It comes back, or is out before long.
    if (!isMove(condition)) reasons.push({ why: downReason(view.devices, to) });
    return;
  }
  if (facts.state !== "ok") {
    reasons.push({ why: fullReason(facts), ...(facts.state === "full" && { lacksRoom: to }) });
    return;
  }
  const there = pieceAt(view, member, to);
  if (there !== undefined && goesFirst(view, to)) return;
  if (there !== undefined && !isElsewhere(view, there)) {
    reasons.push({ why: occupiedReason(view, member, to, there) });
    return;
  }
  const others = view.sources.filter(
    (source) => source.device !== to && isOther(view, source, member),
  );
  // Another block begins with another one, so that all of them are read from.
  const turn = view.block % Math.max(1, others.length);
  const sources = [...others.slice(turn), ...others.slice(0, turn)];
  const isBehind = condition === "behind" && to === device;
  if (!isBehind && !isEnough(view, sources, member, to)) {
    reasons.push({ why: tooFewReason(view) });
    return;
  }
  const kind = isBehind ? "switch" : isMove(condition) ? "move" : "rebuild";
  const need = needFor(view, member, to, kind, sources);
  needs.push(there === undefined ? need : { ...need, replaces: there });
}

const isMove = (condition: Condition): boolean => condition === "good" || condition === "away";

/** A member that moves is a source, too; one that is made anew in its place knows itself. */
const isOther = ({ scheme }: BlockView, { piece }: Source, { position, condition }: Member) =>
  scheme.k === 1 || piece !== position || !gone.has(condition);

/** Another piece of the block, that a move left there. */
function pieceAt(
  { holders, row, scheme }: BlockView,
  { position }: Member,
  to: DeviceId,
): number | undefined {
  const held = holders.get(to);
  if (held?.generation !== row.generation || isPiece(scheme, held, position)) return undefined;
  return held.piece?.piece;
}

/** It is surplus, and nothing keeps it (retire.ts). */
const goesFirst = ({ members, row }: BlockView, to: DeviceId): boolean =>
  !row.members.includes(to) && members.every(({ condition }) => condition === "good");

/** What is surplus stays while members are lost; where one of them belongs it gives way to it at once. */
const isElsewhere = ({ members }: BlockView, piece: number): boolean =>
  members[piece]?.condition === "good";

function isEnough(
  { scheme, holders, row, members }: BlockView,
  sources: readonly Source[],
  { position, condition }: Member,
  to: DeviceId,
): boolean {
  const pieces = new Set(sources.map(({ piece, device }) => (scheme.k === 1 ? device : piece)));
  // By itself it would only forget where it is harmed, while others that may know better are away.
  const own = condition === "damaged" && isAwaited(members) ? undefined : holders.get(to);
  if (own?.generation === row.generation && isPiece(scheme, own, position))
    pieces.add(scheme.k === 1 ? to : position);
  const hasIt = scheme.k > 1 && sources.some(({ piece }) => piece === position);
  return hasIt || pieces.size >= scheme.k;
}

const isAwaited = (members: readonly Member[]): boolean =>
  members.some(({ condition }) => condition === "away" || condition === "unheard");

function needFor(
  { block, row, scheme, spare, holders, members }: BlockView,
  { position, device }: Member,
  to: DeviceId,
  kind: RemakeNeed["kind"],
  sources: readonly Source[],
): RemakeNeed {
  const fileBytes = Math.max(0, ...[...holders.values()].map((held) => held.fileBytes));
  const isCopied = scheme.k === 1 || sources.some(({ piece }) => piece === position);
  const readers = isCopied
    ? sources.filter(({ piece }) => scheme.k === 1 || piece === position)
    : sources;
  return {
    ...{ kind, block, generation: row.generation, spare, position, from: device, to, sources },
    awaited: members.flatMap((one) =>
      one.device !== null && comes.has(one.condition) ? one.device : [],
    ),
    bytes: fileBytes * (1 + (isCopied ? 1 : scheme.k)),
    targets: [to],
    readers: readers.slice(0, isCopied ? 1 : scheme.k).map((source) => source.device),
  };
}
