/** What was received of a body and is not read any more counts no more, however its request ended. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Store } from "../client/store.ts";
import { WaitingBytes } from "../gateway/request-body.ts";
import { FORM_TYPE, formBody, policyText, signed2 } from "./form-request.ts";
import { type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";

/** However busy the machine is. */
const SOON = { timeout: 30_000 };

let store: Store;
let running: RunningGateway;
let waitingBytes = 0;
let mostBytes = 0;

beforeAll(async () => {
  store = await memoryStore();
  const { names } = store;
  // As of a nameserver that is some way off: a small body is here before it is known whose it is.
  const access: typeof names.access = async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await names.access(request);
  };
  running = await runGateway({ ...store, names: Object.assign(Object.create(names), { access }) });
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
});
afterAll(async () => {
  await running.gateway.close();
  await store[Symbol.asyncDispose]();
});
beforeEach(() => {
  waitingBytes = mostBytes = 0;
  vi.spyOn(WaitingBytes.prototype, "add").mockImplementation((bytes) => {
    waitingBytes += bytes;
    mostBytes = Math.max(mostBytes, waitingBytes);
  });
});

test("of a form that is refused before its file was read", async () => {
  const body = formBody([
    ["key", "up/a"],
    ...signed2(user, policyText([{ bucket: "another" }, ["starts-with", "$key", ""]])),
    ["file", Buffer.alloc(200_000, "x"), "file.txt"],
  ]);
  for (let i = 0; i < 10; i++) {
    const url = `${running.endpoint}/bucket`;
    const headers = { "content-type": FORM_TYPE };
    const answer = await fetch(url, { method: "POST", body: new Uint8Array(body), headers });
    expect(answer.status).toBe(403);
    await answer.text();
  }
  expect(mostBytes).toBeGreaterThan(0);
  await expect.poll(() => waitingBytes, SOON).toBe(0);
});
