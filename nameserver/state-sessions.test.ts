import { describe, expect, test } from "vitest";
import type { SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { Entry } from "../raft/entry.ts";
import { allOf, audit } from "../test/metadata/audit.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";
import type { AnyCommand } from "./command.ts";
import { encodeOutcome, type Outcome } from "./outcome-codec.ts";
import { StateMachine } from "./state-machine.ts";
import { MemoryState } from "./state-memory.ts";

const upload: AnyCommand = { type: "createUpload", bucket: "b", key: "k", attributes: {} };
const bucket = (name: string): AnyCommand => ({ type: "createBucket", bucket: name, owner: "me" });

/** A state to which entries are applied, one a second. */
class Applied {
  readonly state = new MemoryState();
  machine: StateMachine = new StateMachine(this.state);
  timeMs = 1000;

  async run(command: AnyCommand, session = 0, sequence = 0): Promise<Outcome> {
    this.timeMs += 1000;
    const once = { session: session as SessionId, sequence };
    const entry = commandEntry(this.machine.applied + 1, this.timeMs, command, once);
    return (await this.machine.applyRun([entry]))[0] as Outcome;
  }

  async open(): Promise<SessionId> {
    const outcome = await this.run({ type: "openSession" });
    if (!("result" in outcome) || outcome.result.type !== "session") throw new Error("no session");
    return outcome.result.session;
  }

  uploads = async () => (await allOf(this.state, "upload")).length;
  audit = () => audit(this.state, this.machine.digest);
}

const codeOf = (outcome: Outcome) => ("refusal" in outcome ? outcome.refusal.code : "done");

async function begun() {
  const applied = new Applied();
  await applied.run(bucket("b"));
  return { applied, session: await applied.open() };
}

describe("commands of a session", () => {
  test("a repeat is answered with the first result, and changes nothing", async () => {
    const { applied, session } = await begun();
    const first = await applied.run(upload, session, 1);
    const { digest } = applied.machine;
    expect(await applied.run(upload, session, 1)).toEqual({ ...first, isRepeat: true });
    expect([await applied.uploads(), applied.machine.digest]).toEqual([1, digest]);
    await applied.run(upload, session, 2);
    expect(await applied.uploads()).toBe(2);
    await applied.audit();
  });

  test("a refusal leaves nothing but its code, also when it would go through by now", async () => {
    const { applied, session } = await begun();
    expect(codeOf(await applied.run(bucket("b"), session, 1))).toBe("BucketExists");
    await applied.run({ type: "deleteBucket", bucket: "b" }, session, 2);
    expect(codeOf(await applied.run(bucket("b"), session, 1))).toBe("BucketExists");
    expect(codeOf(await applied.run(bucket("b"), session, 3))).toBe("done");
    await applied.audit();
  });

  test("a new state machine on the same rows knows what was answered", async () => {
    const { applied, session } = await begun();
    const first = await applied.run(upload, session, 7);
    applied.machine = new StateMachine(applied.state);
    expect(await applied.run(upload, session, 7)).toMatchObject(first);
    expect(await applied.uploads()).toBe(1);
  });

  test("a session that is over refuses, and clearing it away leaves no row", async () => {
    const { applied, session } = await begun();
    await applied.run(upload, session, 1);
    applied.timeMs += limits.sessionMs;
    expect(codeOf(await applied.run(upload, session, 2))).toBe("SessionExpired");
    await applied.run({ type: "clearSessions", sessions: [session] });
    expect(codeOf(await applied.run(upload, session, 1))).toBe("SessionExpired");
    expect(await applied.uploads()).toBe(1);
    for (const tag of ["session", "sessionResults", "sessionCount"] as const)
      expect(await allOf(applied.state, tag)).toEqual([]);
    await applied.audit();
  });

  test("clearing as many full sessions as one command may touches no more keys than it may", async () => {
    const { applied } = await begun();
    const sessions: SessionId[] = [];
    for (let i = 0; i < limits.sessionsCleared; i++) sessions.push(await applied.open());
    const run: Entry[] = [];
    for (const session of sessions)
      for (let sequence = 1; sequence <= limits.sessionWindow; sequence++) {
        const once = { session, sequence };
        const index = applied.machine.applied + run.length + 1;
        run.push(commandEntry(index, applied.timeMs, bucket("b"), once));
      }
    await applied.machine.applyRun(run);
    applied.timeMs += limits.sessionMs;
    expect(codeOf(await applied.run({ type: "clearSessions", sessions }))).toBe("done");
    expect(await allOf(applied.state, "sessionResults")).toEqual([]);
    await applied.audit();
  });

  test("of a large result only that it was made is kept", async () => {
    const parts = Array.from({ length: 200 }, () => ({ etag: "x".repeat(32), lengthBytes: 1 }));
    expect(encodeOutcome({ result: { type: "staged", staged: 200, parts } }).length).toBe(1);
    const { applied, session } = await begun();
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}`.repeat(60), "v"]));
    const large = { ...bucket("large"), settings: { tags } } as AnyCommand;
    expect(codeOf(await applied.run(large, session, 1))).toBe("done");
    expect(codeOf(await applied.run(large, session, 1))).toBe("AnswerLost");
    await applied.audit();
  });
});

/** A log in which commands of several clients come twice, late and out of order. */
async function confused(random: Random, mangle: (entry: Entry) => Entry) {
  const applied = new Applied();
  await applied.run(bucket("b"));
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push({ session: await applied.open(), next: 1 });
  const sent: { session: SessionId; sequence: number; command: AnyCommand }[] = [];
  const firsts = new Map<string, Outcome>();
  const entries: Entry[] = [];
  const wrong: string[] = [];
  for (let i = 0; i < 400; i++) {
    const client = clients[random.u32() % clients.length];
    if (client !== undefined && random.u32() % 3 !== 0)
      sent.push({
        session: client.session,
        sequence: client.next++,
        command: random.u32() % 2 === 0 ? upload : bucket(`b${random.u32() % 40}`),
      });
    // Any of the last ones: new ones among them, and such as came before.
    const one = sent[Math.max(0, sent.length - 1 - (random.u32() % 30))];
    if (one === undefined) continue;
    const { session, sequence, command } = one;
    const index = applied.machine.applied + 1;
    const entry = mangle(commandEntry(index, applied.timeMs, command, { session, sequence }));
    entries.push(entry);
    const outcome = (await applied.machine.applyRun([entry]))[0] as Outcome;
    const name = `${session}/${sequence}`;
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, outcome);
    else if (codeOf(first) !== codeOf(outcome)) wrong.push(`${name} was answered differently`);
    if (random.u32() % 50 === 0) applied.machine = new StateMachine(applied.state);
  }
  const isUpload = (outcome: Outcome) => "result" in outcome && outcome.result.type === "upload";
  const due = [...firsts.values()].filter(isUpload).length;
  const uploads = await applied.uploads();
  if (uploads !== due) wrong.push(`${uploads} uploads instead of ${due}`);
  return { applied, entries, wrong, repeats: entries.length - firsts.size };
}

describe("whatever comes how often in whatever order", () => {
  test("is applied once, and comes to the same state in runs of any size", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const { applied, entries, wrong, repeats } = await confused(random, (entry) => entry);
      expect(wrong).toEqual([]);
      expect(repeats).toBeGreaterThan(50);
      await applied.audit();
      const other = new Applied();
      await other.run(bucket("b"));
      for (let i = 0; i < 3; i++) await other.open();
      for (let at = 0; at < entries.length; ) {
        const size = 1 + (random.u32() % 64);
        await other.machine.applyRun(entries.slice(at, at + size));
        at += size;
      }
      expect(other.machine.digest).toEqual(applied.machine.digest);
    }
  });

  test("is found out to be applied twice where sessions are not looked at", async () => {
    const without = (entry: Entry): Entry => ({ ...entry, session: 0, sequence: 0 });
    const { wrong } = await confused(seededRandom(1), without);
    expect(wrong.length).toBeGreaterThan(10);
  });
});
