/**
 * Names of all faces on the same blobs: clients put, link, read and remove them at random, in a store
 * that is killed again and again, and everything is held against a model. In the end all is compared
 * byte for byte; then the names of each content are deleted in random order, while those that are left
 * read right; then nothing is there that nobody names, nothing is missing, and every count is exact.
 *
 *   npm run faults -- faces --operations 10000 --seconds 60 --seed 1
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awake } from "../../cli/awake.ts";
import { Dice } from "../../raft/testing/dice.ts";
import { sha256 } from "../faults/kill-model.ts";
import { freePort } from "../server-process.ts";
import { Contents } from "./contents.ts";
import type { Face } from "./face.ts";
import { fastdfsFace } from "./fastdfs-face.ts";
import { fidsFace, makeFids } from "./fids-face.ts";
import { judge } from "./judge.ts";
import { check, faceOf, type LoadContext, step } from "./load.ts";
import { NamesModel } from "./names-model.ts";
import { type RunningStore, runStore } from "./running-store.ts";
import { makeBuckets, s3Face } from "./s3-face.ts";
import { makeStreams, streamsFace } from "./streams-face.ts";

const CLIENTS = 6;
/** Names that each life reads back before the work goes on. */
const SAMPLE = 20;

export interface FacesOptions {
  /** At least so many, and at least so long. */
  readonly operations: number;
  readonly seconds: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export interface FacesCounts {
  readonly operations: number;
  readonly kills: number;
  readonly lost: number;
  readonly wrong: number;
  readonly names: number;
  /** Contents that had several names when it ended. */
  readonly shared: number;
  readonly blobs: number;
  readonly orphans: number;
  readonly missing: number;
  readonly violations: number;
  readonly complaints: readonly string[];
}

/** Clients that wait for a store that was killed keep no process alive by themselves. */
export const faces = (options: FacesOptions): Promise<FacesCounts> => awake(torment(options));

async function torment(options: FacesOptions): Promise<FacesCounts> {
  const { operations, seconds, seed, say } = options;
  const dice = new Dice(seed);
  const model = new NamesModel();
  const contents = new Contents();
  const data = await mkdtemp(join(tmpdir(), "quarry-faces-"));
  const at = { data, port: await freePort(), fastdfsPort: await freePort() };
  const owned = Array.from({ length: CLIENTS }, () => new Set<string>());
  const fids = new Map<string, string>();
  const open = ({ server, store }: RunningStore): LoadContext => ({
    ...{ model, contents, owned },
    faces: [
      ...[s3Face(server.client, store), streamsFace(store)],
      ...[fidsFace(store, fids), fastdfsFace(store, at.fastdfsPort)],
    ],
  });
  let kills = 0;
  let shared = 0;
  let last: LoadContext["faces"] = [];
  try {
    const untilMs = performance.now() + seconds * 1000;
    for (;;) {
      await using running = await runStore(at);
      const context = open(running);
      if (kills === 0) await makeAll(running);
      const isLast = model.operations >= operations && performance.now() >= untilMs;
      await verify(context, dice, isLast ? Number.POSITIVE_INFINITY : SAMPLE);
      if (isLast || model.complaints.length > 0) {
        say?.("taking names of shared contents apart");
        shared = await takeApart(context, dice);
        await verify(context, dice, Number.POSITIVE_INFINITY);
        last = context.faces;
        await running.server.stop();
        break;
      }
      await workUntilKilled(context, running, dice);
      kills++;
      say?.(`${kills} kills, ${model.operations} operations, ${model.names().length} names`);
    }
    say?.("sweeping, and looking at every byte");
    const { blobs, after } = await judge(data, { model, contents, faces: last });
    const { lost, wrong, complaints } = model;
    return {
      ...{ operations: model.operations, kills, lost, wrong, names: model.names().length, shared },
      ...{ blobs, orphans: after.orphans, missing: after.missing },
      ...{ violations: complaints.length, complaints: complaints.slice(0, 10) },
    };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function makeAll({ server, store }: RunningStore): Promise<void> {
  await makeBuckets(server.client);
  await makeStreams(store);
  await makeFids(store);
}

/** All clients work; in the middle of it all processes are gone. */
async function workUntilKilled(
  context: LoadContext,
  { server }: RunningStore,
  dice: Dice,
): Promise<void> {
  let isKilled = false;
  const work = async (index: number) => {
    const own = new Dice(dice.u32());
    while (!isKilled)
      try {
        await step(context, index, own);
      } catch (error) {
        // After the kill every operation fails; before it none may.
        if (!isKilled) throw error;
      }
  };
  const all = Promise.all(Array.from({ length: CLIENTS }, (_, index) => work(index)));
  await Promise.race([all, sleep(dice.between(200, 15_000))]);
  isKilled = true;
  await server.kill();
  await all;
}

/** What is not known is read, and so are some of the others; lists show what there is and nothing else. */
async function verify(context: LoadContext, dice: Dice, sample: number): Promise<void> {
  const { model, faces: all } = context;
  const names = shuffled(model.names(), dice);
  const some = new Set(names.slice(0, sample));
  for (const name of names) if (some.has(name) || !model.isKnown(name)) await check(context, name);
  for (const face of all) {
    const listed = await face.list();
    const own = names.filter((one) => one.startsWith(`${face.kind}:`) && face.isListed(one));
    for (const name of own)
      if (listed.delete(name) !== (model.held(name) !== undefined))
        model.complain(`${name} holds ${model.held(name)}, and is listed otherwise`);
    for (const name of listed) await adopt(context, face, name);
    for (const trouble of (await face.audit?.()) ?? []) model.complain(trouble);
  }
}

/** What nobody knows of must be what somebody did not live to hear. */
async function adopt(context: LoadContext, face: Face, name: string): Promise<void> {
  const { model, contents, owned } = context;
  const found = await face.read(name);
  const sum = found && sha256(found);
  if (face.naming !== "given" || sum === undefined || !contents.has(sum) || model.unnamed-- < 1)
    model.complain(`${name} is listed, and nobody made it`);
  else model.begin(name, sum).done(sum);
  owned[0]?.add(name);
}

/** Deletes names that share a content one after the other, all but one of every other content. */
async function takeApart(context: LoadContext, dice: Dice): Promise<number> {
  const { model } = context;
  const byContent = Map.groupBy(model.names(), (name) => model.held(name));
  let shared = 0;
  for (const [held, names] of byContent) {
    if (held === undefined || names.length < 2) continue;
    const [last, ...rest] = shuffled(names, dice);
    const going = last !== undefined && shared++ % 2 === 0 ? [...rest, last] : rest;
    const left = new Set(names);
    for (const name of going) {
      const begun = model.begin(name, undefined);
      await faceOf(context, name).remove(name);
      begun.done(undefined);
      left.delete(name);
      for (const other of left) await check(context, other);
    }
  }
  return shared;
}

function shuffled<Item>(items: readonly Item[], dice: Dice): Item[] {
  const order = items.map((item) => ({ item, at: dice.u32() }));
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
}
