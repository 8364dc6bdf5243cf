import { expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { lookup } from "../queries/lookup.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const at = { bucket: "b", key: "k" };

class Names {
  readonly state = new MemoryState();
  readonly #machine = new StateMachine(this.state);
  #blob = 0;

  async run(command: AnyCommand): Promise<AnyResult> {
    const index = this.#machine.applied + 1;
    const [outcome] = await this.#machine.applyRun([commandEntry(index, 1000 * index, command)]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  }

  put(etag: string): Promise<AnyResult> {
    const blob = ++this.#blob as BlobId;
    const content = { blob, lengthBytes: 0, registered: 0, chunks: [] };
    return this.run({ type: "putObject", ...at, content, attributes: { etag } });
  }

  async object(version?: string) {
    return (await lookup(this.state, { ...at, ...(version !== undefined && { version }) })).object;
  }

  async audit(): Promise<void> {
    await audit(this.state, this.#machine.digest);
  }
}

async function bucket(): Promise<Names> {
  const names = new Names();
  await names.run({ type: "leaseBlobs", count: 100 });
  await names.run({ type: "createBucket", bucket: "b", owner: "me" });
  return names;
}

test("tags and ACL change in place; content, version and time stay", async () => {
  const names = await bucket();
  await names.put("one");
  const before = await names.object();
  await names.run({ type: "describeObject", ...at, change: { tags: { a: "1" }, acl: [] } });
  expect(await names.object()).toEqual({
    ...before,
    attributes: { etag: "one", tags: { a: "1" }, acl: [] },
  });
  await names.run({ type: "describeObject", ...at, version: "null", change: { tags: null } });
  expect((await names.object()).attributes).toEqual({ etag: "one", acl: [] });
  await names.audit();
});

test("any version is found: current, noncurrent, null", async () => {
  const names = await bucket();
  await names.put("null");
  const change = { versioning: "enabled" } as const;
  await names.run({ type: "configureBucket", bucket: "b", change });
  const ids = ["null"];
  for (const etag of ["first", "second"]) {
    const result = await names.put(etag);
    ids.push(result.type === "version" ? result.version : "");
  }
  for (const version of ids)
    await names.run({ type: "describeObject", ...at, version, change: { tags: { version } } });
  for (const version of ids)
    expect((await names.object(version)).attributes.tags).toEqual({ version });
  expect((await names.object()).attributes).toEqual({ etag: "second", tags: { version: ids[2] } });
  await names.audit();
});

test("what is not there, a delete marker, or not what was seen, is refused", async () => {
  const names = await bucket();
  const describe = (more: object) =>
    names
      .run({ type: "describeObject", ...at, change: { tags: {} }, ...more })
      .then(() => undefined)
      .catch((error: unknown) => error);
  expect(hasCode(await describe({}), "NoSuchKey")).toBe(true);
  await names.put("one");
  const { modifiedMs } = await names.object();
  expect(hasCode(await describe({ version: "00000000000001" }), "NoSuchVersion")).toBe(true);
  expect(hasCode(await describe({ seen: { etag: "one", modifiedMs: 1 } }), "Changed")).toBe(true);
  expect(await describe({ seen: { etag: "one", modifiedMs } })).toBeUndefined();
  const change = { versioning: "enabled" } as const;
  await names.run({ type: "configureBucket", bucket: "b", change });
  const marker = await names.run({ type: "deleteObject", ...at });
  const version = marker.type === "version" ? marker.version : "";
  expect(hasCode(await describe({}), "NoSuchKey")).toBe(true);
  expect(hasCode(await describe({ version }), "InvalidArgument")).toBe(true);
  await names.audit();
});

test("user metadata is replaced or merged in place, one after the other, up to its maximum", async () => {
  const names = await bucket();
  await names.put("one");
  const describe = (more: object) =>
    names.run({ type: "describeObject", ...at, change: {}, ...more });
  await describe({ merge: { a: "1", b: "2" } });
  await describe({ merge: { b: "3", C: "4" } });
  const metadata = async () => (await names.object()).attributes.userMetadata;
  expect(await metadata()).toEqual({ a: "1", b: "3", C: "4" });
  await describe({ change: { userMetadata: { d: "5" } }, merge: { e: "6" } });
  expect(await metadata()).toEqual({ d: "5", e: "6" });
  const much = { big: "x".repeat(limits.describedBytes) };
  await expect(describe({ merge: much })).rejects.toMatchObject({ code: "TooLarge" });
  await expect(describe({ change: { userMetadata: much } })).rejects.toThrow(/at most/);
  await describe({ change: { userMetadata: null } });
  expect(await metadata()).toBeUndefined();
  await names.audit();
});
