import { describe, expect, test } from "vitest";
import { hasCode } from "../base/errors.ts";
import type { LogIndex, SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { admit, clearSessions, closeSession, openSession, remember } from "./sessions.ts";
import { MemorySessions } from "./testing/session-rows.ts";

const code = (run: () => unknown) => {
  try {
    run();
    return "none";
  } catch (error) {
    return hasCode(error, "SessionExpired", "Busy", "InvalidArgument") ? error.code : error;
  }
};
const result = (text: string) => Buffer.from(text);
const open = (rows: MemorySessions, index = 7, timeMs = 1000) =>
  openSession(rows, index as LogIndex, timeMs);

describe("sessions", () => {
  test("a command is applied once and answered again with its result", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    expect(admit(rows, id, 1, 1000)).toEqual({ type: "apply" });
    remember(rows, id, 1, result("one"));
    expect(admit(rows, id, 1, 2000)).toEqual({ type: "repeat", result: result("one") });
  });

  test("commands of one session may arrive in any order within the window", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    for (const sequence of [3, 1, 2]) {
      expect(admit(rows, id, sequence, 1000)).toEqual({ type: "apply" });
      remember(rows, id, sequence, result(`${sequence}`));
    }
    for (const sequence of [1, 2, 3])
      expect(admit(rows, id, sequence, 1000)).toEqual({
        type: "repeat",
        result: result(`${sequence}`),
      });
  });

  test("what is older than the window is refused, never applied again", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    remember(rows, id, 1, result("one"));
    remember(rows, id, 1 + limits.sessionWindow, result("later"));
    expect(code(() => admit(rows, id, 1, 1000))).toBe("SessionExpired");
  });

  test("a session that was silent too long is over, by log time, and stays so", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    expect(admit(rows, id, 1, 1000 + limits.sessionMs)).toEqual({ type: "apply" });
    expect(code(() => admit(rows, id, 1, 1001 + 2 * limits.sessionMs))).toBe("SessionExpired");
    expect(clearSessions(rows, [id], 1001 + 2 * limits.sessionMs)).toBe(1);
    expect(code(() => admit(rows, id, 2, 1000))).toBe("SessionExpired");
    expect(rows.getCount()).toBe(0);
  });

  test("one in use is not cleared away", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    expect(clearSessions(rows, [id], 1000 + limits.sessionMs)).toBe(0);
    expect(admit(rows, id, 1, 1000)).toEqual({ type: "apply" });
  });

  test("closing leaves no rows behind", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    for (let sequence = 1; sequence <= 3 * limits.sessionWindow; sequence++)
      remember(rows, id, sequence, result(`${sequence}`));
    expect(rows.results.size).toBe(limits.sessionWindow);
    closeSession(rows, id);
    closeSession(rows, id);
    expect([rows.results.size, rows.sessions.size, rows.getCount()]).toEqual([0, 0, 0]);
  });

  test("their number is bounded", () => {
    const rows = new MemorySessions();
    rows.putCount(limits.sessions);
    expect(code(() => open(rows))).toBe("Busy");
  });

  test("numbers that are none are refused", () => {
    const rows = new MemorySessions();
    const id = open(rows);
    for (const sequence of [0, -1, 1.5, Number.NaN])
      expect(code(() => admit(rows, id, sequence, 1000))).toBe("InvalidArgument");
    expect(code(() => admit(rows, 99 as SessionId, 1, 1000))).toBe("SessionExpired");
  });

  test("whatever arrives how often in whatever order, nothing is applied twice", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const rows = new MemorySessions();
      const id = open(rows);
      const applied = new Map<number, number>();
      for (let i = 0, timeMs = 1000; i < 1000; i++) {
        timeMs += random.u32() % (limits.sessionMs / 100);
        const sequence = 1 + ((i + (random.u32() % (2 * limits.sessionWindow))) >> 1);
        try {
          if (admit(rows, id, sequence, timeMs).type === "repeat") continue;
        } catch (error) {
          expect(hasCode(error, "SessionExpired")).toBe(true);
          continue;
        }
        applied.set(sequence, (applied.get(sequence) ?? 0) + 1);
        remember(rows, id, sequence, result(`${sequence}`));
      }
      expect(applied.size).toBeGreaterThan(100);
      expect(Math.max(...applied.values())).toBe(1);
    }
  });
});
