/** Watchers of real nameserver processes whose leader is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import type { BlobId, LogIndex } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { watch } from "../client/watch.ts";
import { WatchLines } from "../client/watch-lines.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { WatchedChange, WatchTopic } from "../rpc/watch-service.ts";
import { startCli } from "./cli-process.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const LONG_MS = 90_000;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;

function emptyObject(key: string, blob: number) {
  const content = { blob: blob as BlobId, lengthBytes: 0, registered: 0, chunks: [] };
  return {
    type: "putObject",
    bucket: "b",
    key,
    content,
    attributes: { etag: `e${blob}` },
  } as const;
}

/** Keeps a copy of a topic and every change that it was told. */
class Watcher {
  readonly copy = new Map<string, string>();
  readonly changes: WatchedChange[] = [];
  revision = 0;
  resets = 0;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;

  constructor(group: NameserverGroup, topic: WatchTopic, from?: LogIndex) {
    this.#done = this.#run(group, topic, from);
    cleanUp.push(() => this.end());
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#done;
  }

  async #run(group: NameserverGroup, topic: WatchTopic, from?: LogIndex): Promise<void> {
    const addresses = [...group.addresses.values()];
    const { secret } = group;
    using lines = new WatchLines({ addresses, secret, clock: systemClock, random: systemRandom });
    const { signal } = this.#ending;
    const { members } = lines;
    const begin = from === undefined ? {} : { from };
    for await (const event of watch({ members, clock: systemClock, topic, signal, ...begin }))
      switch (event.type) {
        case "reset":
          this.resets++;
          this.copy.clear();
          this.changes.length = 0;
          break;
        case "entry":
          this.#bring(event.change);
          break;
        case "change":
          this.changes.push(event.change);
          this.#bring(event.change);
          this.revision = event.change.revision;
          break;
        default:
          this.revision = event.revision;
      }
  }

  #bring(change: WatchedChange): void {
    if (change.type === "put") this.copy.set(change.key, change.etag);
    if (change.type === "delete") this.copy.delete(change.key);
  }
}

async function listed(names: NameService): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let after = "", more = true; more; ) {
    const page = await names.list({ bucket: "b", prefix: "", delimiter: "", after, limit: 1000 });
    for (const { key, attributes } of page.objects) found.set(key, attributes.etag);
    more = page.truncated;
    after = page.last ?? "";
  }
  return found;
}

test(
  "miss nothing and hear nothing twice, whoever leads, and go on at a member that was restarted",
  async () => {
    const group = await NameserverGroup.found(3);
    cleanUp.push(() => group[Symbol.asyncDispose]());
    await using client = group.client();
    const { names } = client;
    await names.execute(bucket("b"));
    const topic: WatchTopic = { kind: "keys", bucket: "b", prefix: "" };
    const first = await names.leaseBlobs(4096);
    const early = new Watcher(group, topic, 0 as LogIndex);
    let isDone = false;
    let written = 0;
    const write = async (lane: number) => {
      for (let i = 0; !isDone; i++) {
        const n = written++;
        await names.execute(emptyObject(`lane-${lane}/${i % 7}`, first + n));
        if (i % 5 === 4)
          await names.execute({ type: "deleteObject", bucket: "b", key: `lane-${lane}/${i % 7}` });
        await sleep(5);
      }
    };
    const writing = Promise.all([0, 1, 2].map(write));
    let late: Watcher | undefined;
    for (let round = 0; round < 2; round++) {
      await sleep(700);
      const leader = await group.leader();
      await group.end(leader, "SIGKILL");
      await sleep(200);
      late ??= new Watcher(group, topic);
      await group.leader();
      group.start(leader);
    }
    await sleep(700);
    isDone = true;
    await writing;
    await names.execute(emptyObject("the last", first + written));
    const expected = await listed(names);
    for (const one of [early, late]) {
      await expect.poll(() => one?.copy.has("the last"), { timeout: 20_000 }).toBe(true);
      expect(one?.copy).toEqual(expected);
    }
    const revisions = early.changes.map(({ revision }) => revision);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
    // One member was never killed and has it all.
    expect([early.resets, late?.resets]).toEqual([0, 1]);
    expect(early.changes.filter(({ type }) => type === "put")).toHaveLength(written + 1);
    const since = late?.changes[0]?.revision ?? 0;
    expect(late?.changes).toEqual(early.changes.filter(({ revision }) => revision >= since));
    expect(early.changes.length).toBeGreaterThan(50);
    // An idle watcher comes along, too.
    const idle = new Watcher(group, { kind: "keys", bucket: "nothing", prefix: "" });
    await names.execute(emptyObject("other", first + written + 1));
    await expect
      .poll(() => idle.revision, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(early.revision);
  },
  LONG_MS,
);

test(
  "quarry admin watch prints what is there and what changes",
  async () => {
    const group = await NameserverGroup.found(1);
    cleanUp.push(() => group[Symbol.asyncDispose]());
    await using client = group.client();
    const { names } = client;
    await names.execute(bucket("b"));
    const servers = [...group.addresses.values()].map(({ port }) => `127.0.0.1:${port}`).join();
    const cli = startCli(
      { endpoint: "", home: "/tmp" },
      ...["admin", "watch", "--servers", servers, "--secret-file", group.secretFile],
    );
    let out = "";
    cli.child.stdout?.on("data", (text: Buffer) => {
      out += text.toString();
    });
    await expect.poll(() => out, { timeout: 20_000 }).toContain("changes from here on");
    const change = { quota: { bytes: 5 } };
    await names.execute({ type: "configureBucket", bucket: "b", change });
    await expect
      .poll(() => out)
      .toMatch(
        /bucket {2}b {2}\{"owner":"me"\}[\s\S]*bucket changed {2}b {2}\{"quota":\{"bytes":5\}\}/,
      );
    cli.child.kill("SIGINT");
    await cli.ended;
    const wrong = await startCli(
      { endpoint: "", home: "/tmp" },
      ...[
        "admin",
        "watch",
        "--servers",
        servers,
        "--secret-file",
        group.secretFile,
        "--map",
        "--bucket",
        "b",
      ],
    ).ended;
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("--map stands alone")]);
  },
  LONG_MS,
);
