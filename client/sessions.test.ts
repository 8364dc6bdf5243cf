import { describe, expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import type { SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import type { Once } from "../rpc/commands.ts";
import { ClientSessions } from "./sessions.ts";

function counted() {
  let opened = 0;
  const sessions = new ClientSessions(async () => ++opened as SessionId);
  return { sessions, opened: () => opened };
}

const WIDTH = limits.sessionWindow;

describe("the sessions of a client", () => {
  test("one thing after the other takes one place of one session", async () => {
    const { sessions, opened } = counted();
    for (let i = 0; i < 5; i++) {
      const once = await sessions.take();
      expect(once).toEqual({ session: 1, sequence: 1 + i * WIDTH });
      sessions.release(once);
    }
    expect(opened()).toBe(1);
  });

  test("another is opened when all places are taken, and their number is bounded", async () => {
    const { sessions, opened } = counted();
    const most = WIDTH * limits.clientSessions;
    const taken = await Promise.all(Array.from({ length: most }, () => sessions.take()));
    expect(new Set(taken.map((one) => `${one.session}/${one.sequence}`)).size).toBe(most);
    expect(opened()).toBe(limits.clientSessions);
    await expect(sessions.take()).rejects.toMatchObject({ code: "Busy" });
    const [first] = taken;
    if (first === undefined) throw new Error("something was taken");
    sessions.release(first);
    expect(await sessions.take()).toEqual({ ...first, sequence: first.sequence + WIDTH });
  });

  test("no number is used while the one a window before it waits, whatever the order", async () => {
    const random = seededRandom(3);
    const { sessions } = counted();
    const waiting: Once[] = [];
    const used = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      if (waiting.length < 400 && random.u32() % 100 < 52) {
        const once = await sessions.take();
        const name = `${once.session}/${once.sequence}`;
        expect(used.has(name)).toBe(false);
        used.add(name);
        const slot = (one: Once) => `${one.session}/${one.sequence % WIDTH}`;
        expect(waiting.some((one) => slot(one) === slot(once))).toBe(false);
        waiting.push(once);
      } else {
        const [once] = waiting.splice(random.u32() % Math.max(1, waiting.length), 1);
        if (once !== undefined) sessions.release(once);
      }
    }
  });

  test("what is dropped is not used again, and what was taken of it comes back to nothing", async () => {
    const { sessions, opened } = counted();
    const once = await sessions.take();
    sessions.drop(once.session);
    sessions.release(once);
    expect((await sessions.take()).session).toBe(2);
    expect([sessions.ids, opened()]).toEqual([[2], 2]);
  });

  test("a session whose numbers come to an end makes room for another", async () => {
    const { sessions } = counted();
    const { session } = await sessions.take();
    sessions.release({ session, sequence: limits.sessionSequence });
    expect((await sessions.take()).session).toBe(2);
  });

  test("who waits for an opening that fails hears why, and the next tries again", async () => {
    let attempts = 0;
    const sessions = new ClientSessions(async () => {
      if (++attempts === 1) throw new QuarryError("Busy", "not now");
      return 9 as SessionId;
    });
    const both = await Promise.allSettled([sessions.take(), sessions.take()]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await sessions.take()).toEqual({ session: 9, sequence: 1 });
  });
});
