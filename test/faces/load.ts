/**
 * Clients that do random things with names of all faces. Each owns its names; links lead from any name
 * to one of its own, so that contents have holders in many hands.
 */
import { hasCode } from "../../base/errors.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import { sha256 } from "../faults/kill-model.ts";
import type { Contents } from "./contents.ts";
import type { Face } from "./face.ts";
import type { NamesModel } from "./names-model.ts";

/** Of one client and face. */
const NAMES_AT_ONCE = 40;
/** Beyond these a content is begun anew. */
const MOST_CHANGED_BYTES = 10_000_000;
const MOST_PIECES = 12;

export interface LoadContext {
  readonly faces: readonly Face[];
  readonly model: NamesModel;
  readonly contents: Contents;
  /** By client: its names of all faces. */
  readonly owned: readonly Set<string>[];
}

export const faceOf = ({ faces }: Pick<LoadContext, "faces">, name: string): Face => {
  const found = faces.find(({ kind }) => name.startsWith(`${kind}:`));
  if (found === undefined) throw new Error(`${name} is of no face`);
  return found;
};

/** Reads a name whole, and holds it against the model. */
export async function check(context: LoadContext, name: string): Promise<Buffer | undefined> {
  const found = await faceOf(context, name).read(name);
  context.model.observe(name, found && sha256(found));
  return found;
}

/** One random operation of client `index`. */
export async function step(context: LoadContext, index: number, dice: Dice): Promise<void> {
  const { faces, model, owned } = context;
  const face = dice.pick(faces);
  if (face === undefined) throw new Error("there are no faces");
  const own = [...(owned[index] ?? [])].filter((name) => name.startsWith(`${face.kind}:`));
  const held = own.filter((name) => model.held(name) !== undefined);
  const target = face.draw(index, dice.u32());
  const one = dice.pick(held.length > 0 && dice.chance(0.8) ? held : own) ?? target;
  const draw = held.length < NAMES_AT_ONCE ? dice.between(1, 100) : dice.between(61, 100);
  if (draw <= 30) await put(context, index, face, target, dice);
  else if (draw <= 60) await link(context, index, face, target, dice);
  else if (one === "") return;
  else if (draw <= 74) await remove(context, face, one, dice);
  else {
    if (draw <= 80) await change(context, face, one, dice);
    else if (draw <= 86) await readPart(context, face, one, dice);
    else if (draw <= 96) await check(context, one);
    else if (draw <= 99) await face.describe?.(one, dice.u32());
    else await face.list();
    model.operations++;
  }
}

/** Of a name that only the store can say nothing is known until it did. */
async function giving(
  { model, owned }: LoadContext,
  index: number,
  face: Face,
  make: () => Promise<string>,
): Promise<string> {
  if (face.naming !== "given") return await make();
  model.unnamed++;
  const name = await make();
  model.unnamed--;
  owned[index]?.add(name);
  return name;
}

async function put(
  context: LoadContext,
  index: number,
  face: Face,
  target: string,
  dice: Dice,
): Promise<void> {
  const { contents, model, owned } = context;
  const content = contents.make(target || face.kind, dice);
  const held = sha256(content);
  if (face.naming === "given") {
    const name = await giving(context, index, face, () => face.put(target, content));
    model.begin(name, held).done(held);
    return;
  }
  owned[index]?.add(target);
  const begun = model.begin(target, held);
  await face.put(target, content);
  begun.done(held);
}

/** Any name may be the source: one that others change meanwhile, too. */
async function link(
  context: LoadContext,
  index: number,
  face: Face,
  target: string,
  dice: Dice,
): Promise<void> {
  const { model, owned } = context;
  const others = dice.pick(owned);
  const from = dice.pick([...(others ?? [])]) ?? "";
  const source = from === "" || from === target ? undefined : faceOf(context, from).source(from);
  if (source === undefined) return;
  const begun = face.naming === "given" ? undefined : model.beginLink(target, from);
  let to: string;
  try {
    if (begun !== undefined) owned[index]?.add(target);
    to = await giving(context, index, face, () => face.link(source, target));
  } catch (error) {
    if (!hasCode(error, "NoSuchKey")) throw error;
    if (face.naming === "given") model.unnamed--;
    begun?.refused();
    return;
  }
  if (begun === undefined) model.beginLink(to, from);
  // It holds what its source held at some time, and not nothing.
  if ((await check(context, to)) === undefined) model.complain(`${to} was linked to ${from}`);
  model.operations++;
}

async function remove({ model }: LoadContext, face: Face, name: string, dice: Dice): Promise<void> {
  const before = model.held(name);
  const begun = model.begin(name, undefined);
  await face.remove(name);
  begun.done(undefined);
  if (before === undefined || face.restore === undefined || !dice.chance(0.3)) return;
  const again = model.begin(name, before);
  await face.restore(name);
  again.done(before);
}

/** Appends, or cuts off; other names of the same content keep theirs. */
async function change(
  { contents, model }: LoadContext,
  { kind, changes }: Face,
  name: string,
  dice: Dice,
): Promise<void> {
  const held = model.held(name);
  if (held === undefined || changes?.may(name) !== true) return;
  const { length } = contents.of(held);
  const isLarge = length > MOST_CHANGED_BYTES || contents.blobs(held).length >= MOST_PIECES;
  if (isLarge || (length >= 16 && dice.chance(0.3))) {
    // Not to 1 to 7 bytes: those would repeat.
    const lengthBytes = isLarge ? 0 : dice.between(8, length);
    const rest = sha256(contents.cut(held, lengthBytes));
    const begun = model.begin(name, rest);
    await changes.truncate(name, lengthBytes);
    begun.done(rest);
    return;
  }
  const more = contents.make(kind, dice);
  const grown = sha256(contents.join(held, sha256(more)));
  const begun = model.begin(name, grown);
  await changes.append(name, more);
  begun.done(grown);
}

async function readPart(
  { contents, model }: LoadContext,
  face: Face,
  name: string,
  dice: Dice,
): Promise<void> {
  const held = model.held(name);
  const whole = held === undefined ? undefined : contents.of(held);
  if (whole === undefined || whole.length === 0) return;
  const start = dice.between(0, whole.length - 1);
  const end = dice.between(start + 1, whole.length);
  const found = await face.read(name, { start, end });
  if (found?.equals(whole.subarray(start, end)) !== true)
    model.complain(`${name}: bytes ${start} to ${end} are ${found?.length} others`);
}
