/**
 * Clients that do random things with names of all faces. Each owns its names; links lead from any name
 * to one of its own, so that contents have holders in many hands.
 */
import { QuarryError } from "../../base/errors.ts";
import { linkName } from "../../client/link.ts";
import type { Store } from "../../client/store.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import { contentOf, sha256 } from "../faults/kill-model.ts";
import type { Face } from "./face.ts";
import type { NamesModel } from "./names-model.ts";

export interface LoadContext {
  readonly store: Store;
  readonly faces: readonly Face[];
  readonly model: NamesModel;
  readonly contents: Contents;
}

/** Contents that were written, so that a part of one can be compared. No two are the same. */
export class Contents {
  readonly #made = new Map<string, () => Buffer>();
  #version = 0;

  make(name: string, lengthBytes: number): Buffer {
    const version = this.#version++;
    const content = contentOf(name, version, lengthBytes);
    this.#made.set(sha256(content), () => contentOf(name, version, lengthBytes));
    return content;
  }

  of(sum: string): Buffer {
    const make = this.#made.get(sum);
    if (make === undefined) throw new Error(`nobody wrote ${sum}`);
    return make();
  }
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
  const { faces, model } = context;
  const face = dice.pick(faces);
  if (face === undefined) throw new Error("there are no faces");
  const name = face.draw(index, dice.u32());
  const draw = dice.between(1, 100);
  if (draw <= 30) await put(context, face, name, dice);
  else if (draw <= 60) await link(context, face, name, dice);
  else if (draw <= 75) await remove(context, face, name, dice);
  else if (draw <= 84) await readPart(context, face, name, dice);
  else if (draw <= 99) await check(context, name);
  else await face.list();
  if (draw > 75) model.operations++;
}

async function put(
  { contents, model }: LoadContext,
  face: Face,
  name: string,
  dice: Dice,
): Promise<void> {
  const content = contents.make(name, sizeOf(dice));
  const held = sha256(content);
  const begun = model.begin(name, held);
  await face.put(name, content);
  begun.done(held);
}

/** Any name may be the source: one that others change meanwhile, too. */
async function link(context: LoadContext, face: Face, to: string, dice: Dice): Promise<void> {
  const { model, store } = context;
  const from = dice.pick(model.names());
  if (from === undefined || from === to) return;
  const begun = model.beginLink(to, from);
  try {
    await linkName(store, { from: faceOf(context, from).linked(from), to: face.linked(to) });
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== "NoSuchKey") throw error;
    begun.refused();
    return;
  }
  await checkLink(context, to, from);
}

/** It holds what its source held at some time, and not nothing. */
async function checkLink(context: LoadContext, to: string, from: string): Promise<void> {
  const { model } = context;
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

async function readPart(context: LoadContext, face: Face, name: string, dice: Dice): Promise<void> {
  const { contents, model } = context;
  const held = model.held(name);
  const whole = held === undefined ? undefined : contents.of(held);
  if (whole === undefined || whole.length === 0) return;
  const start = dice.between(0, whole.length - 1);
  const end = dice.between(start + 1, whole.length);
  const found = await face.read(name, { start, end });
  if (found?.equals(whole.subarray(start, end)) !== true)
    model.complain(`${name}: bytes ${start} to ${end} are ${found?.length} others`);
}

/** Mostly small, some around the borders of spans, a few of several chunks. Not of 1 to 7 bytes: those would repeat. */
function sizeOf(dice: Dice): number {
  const draw = dice.between(1, 1000);
  if (draw <= 20) return 0;
  if (draw <= 800) return dice.between(8, 20_000);
  if (draw <= 950) return 65_536 * dice.between(1, 4) + dice.between(-1, 1);
  if (draw <= 990) return dice.between(8, 1_000_000);
  return 4_194_304 * dice.between(1, 2) + dice.between(-1, 1);
}
