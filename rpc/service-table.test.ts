import { expect, test } from "vitest";
import { methodsOf, type ServiceTable } from "./service-table.ts";
import { blockTable, nameTable } from "./tables.ts";

interface Sample {
  put(name: string, data: Uint8Array): Promise<void>;
  get(name: string): Promise<{ kind: "data"; data: Uint8Array } | { kind: "missing" }>;
  count(): Promise<number>;
}

// A table that does not follow its interface does not compile: `tsc` is the test.
const good: ServiceTable<Sample> = {
  name: "sample",
  id: 9,
  methods: {
    put: { id: 1, payload: "last argument" },
    get: { id: 2, answerPayload: "data", answerBytes: (name) => name.length },
    count: { id: 3 },
  },
};
const missing: ServiceTable<Sample> = {
  ...good,
  // @ts-expect-error: `count` is missing
  methods: { put: good.methods.put, get: good.methods.get },
};
const forgotten: ServiceTable<Sample> = {
  ...good,
  // @ts-expect-error: the payload of `put` is forgotten
  methods: { ...good.methods, put: { id: 1 } },
};
const misnamed: ServiceTable<Sample> = {
  ...good,
  // @ts-expect-error: `kind` holds no bytes
  methods: { ...good.methods, get: { ...good.methods.get, answerPayload: "kind" } },
};
const none: ServiceTable<Sample> = {
  ...good,
  // @ts-expect-error: `count` takes no bytes
  methods: { ...good.methods, count: { id: 3, payload: "last argument" } },
};

test("tables that would not compile are the four above", () => {
  expect(new Set([missing, forgotten, misnamed, none]).size).toBe(4);
});

test("numbers on the wire stay what they were", () => {
  const numbers = [...methodsOf(blockTable), ...methodsOf(nameTable)].map(
    (m) => [m.name, m.code] as const,
  );
  expect(Object.fromEntries(numbers)).toMatchObject({
    devices: 257,
    append: 260,
    read: 261,
    retire: 267,
    execute: 513,
    lookup: 516,
    deleted: 525,
  });
  expect(new Set(numbers.map(([, code]) => code)).size).toBe(numbers.length);
});

test("a number used twice is a defect", () => {
  const twice: ServiceTable<Sample> = { ...good, methods: { ...good.methods, count: { id: 1 } } };
  expect(() => methodsOf(twice)).toThrow(/unique/);
});
