import { describe, expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import { LEVEL } from "../../base/version.ts";
import type { Entry } from "../../raft/entry.ts";
import { audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import { BUCKETS, KEYS, RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { list } from "../queries/list.ts";
import { lookup } from "../queries/lookup.ts";
import { versions } from "../queries/versions.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const MINUTE = 60_000;

class Runner {
  readonly store = new MemoryState();
  readonly machine = new StateMachine(this.store);
  readonly log: Entry[] = [];

  async run(command: AnyCommand, timeMs: number): Promise<AnyResult | undefined> {
    const entry = commandEntry(this.machine.applied + 1, timeMs, command);
    this.log.push(entry);
    const [outcome] = await this.machine.applyRun([entry]);
    return outcome !== undefined && "result" in outcome ? outcome.result : undefined;
  }
}

interface ModelVersion {
  readonly id: string;
  readonly etag: string;
  readonly marker: boolean;
}

/** Versions of one name, newest first: what S3 says, in a few lines. */
class Model {
  readonly versioning = new Map<string, "off" | "enabled" | "suspended">();
  readonly names = new Map<string, ModelVersion[]>();

  at(bucket: string, key: string): ModelVersion[] {
    return this.names.get(`${bucket}|${key}`) ?? [];
  }

  /** Whether the conditions of a delete do not hold. */
  refuses(command: AnyCommand): boolean {
    if (command.type !== "deleteObject" || command.conditions?.ifMatch === undefined) return false;
    const { bucket, key, version, conditions } = command;
    const all = this.at(bucket, key);
    const judged = version === undefined ? all[0] : all.find(({ id }) => id === version);
    const wanted = conditions.ifMatch?.replaceAll('"', "");
    return judged !== undefined && wanted !== "*" && wanted !== judged.etag;
  }

  saw(command: AnyCommand, result: AnyResult): void {
    if (command.type === "configureBucket")
      this.versioning.set(command.bucket, command.change.versioning ?? "off");
    if (!("key" in command)) return;
    const { bucket, key } = command;
    const versions = this.at(bucket, key);
    const set = (next: ModelVersion[]) => this.names.set(`${bucket}|${key}`, next);
    const mode = this.versioning.get(bucket) ?? "off";
    const others = mode === "enabled" ? versions : versions.filter(({ id }) => id !== "null");
    if (result.type === "copied" || result.type === "spliced")
      set([{ id: result.version, etag: result.etag, marker: false }, ...others]);
    if (result.type === "version" && "etag" in command)
      set([{ id: result.version, etag: command.etag, marker: false }, ...others]);
    if (command.type === "putObject" && result.type === "version")
      set([{ id: result.version, etag: command.attributes.etag, marker: false }, ...others]);
    if (command.type !== "deleteObject") return;
    if (command.version !== undefined) set(versions.filter(({ id }) => id !== command.version));
    else if (result.type === "version")
      set([{ id: result.version, etag: "", marker: true }, ...others]);
    else set(others);
  }
}

const compareUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function compare(state: MemoryState, model: Model): Promise<void> {
  for (const bucket of BUCKETS) {
    const page = { bucket, prefix: "", delimiter: "", keyAfter: "", versionAfter: "", limit: 1000 };
    const reply = await versions(state, page);
    expect(
      reply.versions.map(({ key, version, latest, deleteMarker, attributes }) => [
        key,
        { id: version, etag: attributes.etag, marker: deleteMarker },
        latest,
      ]),
    ).toEqual(
      [...KEYS]
        .sort(compareUtf8)
        .flatMap((key) => model.at(bucket, key).map((one, i) => [key, one, i === 0])),
    );
    const listed = await list(state, { bucket, prefix: "", delimiter: "", after: "", limit: 1000 });
    const wanted = KEYS.filter((key) => model.at(bucket, key)[0]?.marker === false);
    expect(listed.objects.map(({ key }) => key).sort()).toEqual([...wanted].sort());
    for (const key of KEYS)
      for (const { id, etag, marker } of model.at(bucket, key)) {
        const { object } = await lookup(state, { bucket, key, version: id });
        expect([object.attributes.etag, object.deleteMarker]).toEqual([etag, marker]);
      }
    for (const { key, attributes, version } of listed.objects)
      expect(model.at(bucket, key)[0]).toEqual({
        id: version,
        etag: attributes.etag,
        marker: false,
      });
  }
}

describe("apply", () => {
  test.each([1, 2, 3, 4])("random commands agree with a simple model (seed %i)", async (seed) => {
    const commands = new RandomCommands(seededRandom(seed), true);
    const runner = new Runner();
    const model = new Model();
    let timeMs = 1_000_000;
    let done = 0;
    let refused = 0;
    for (const command of RandomCommands.opening()) await runner.run(command, timeMs);
    await runner.run({ type: "raiseLevel", level: LEVEL }, timeMs);
    for (let i = 0; i < 600; i++) {
      timeMs += 30_000;
      // The model knows no trash: undelete is tested by itself.
      let command = commands.next();
      while (command.type === "undelete") command = commands.next();
      const before = runner.machine.digest;
      const result = await runner.run(command, timeMs);
      if (command.type === "deleteObject" && command.conditions !== undefined) {
        expect(result === undefined).toBe(model.refuses(command));
        if (result === undefined) refused++;
      }
      if (result === undefined) expect(runner.machine.digest).toEqual(before);
      else {
        done++;
        commands.saw(command, result);
        model.saw(command, result);
      }
      if (i % 20 === 0) await compare(runner.store, model);
      if (i % 60 === 0)
        for (const chore of await RandomCommands.chores(runner.store))
          await runner.run(chore, timeMs);
      if (i % 60 === 0) await audit(runner.store, runner.machine.digest);
    }
    expect(done).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(3);
    await compare(runner.store, model);
    await audit(runner.store, runner.machine.digest);
  });

  test("the same log makes the same state, however it is cut into runs", async () => {
    const commands = new RandomCommands(seededRandom(99), true);
    const first = new Runner();
    for (const command of RandomCommands.opening()) await first.run(command, 1);
    await first.run({ type: "raiseLevel", level: LEVEL }, 1);
    for (let i = 0; i < 400; i++) {
      const command = commands.next();
      const result = await first.run(command, 1 + i * MINUTE);
      if (result !== undefined) commands.saw(command, result);
      if (i % 50 === 0)
        for (const chore of await RandomCommands.chores(first.store))
          await first.run(chore, 1 + i * MINUTE);
    }
    for (const size of [2, 7, 256]) {
      const store = new MemoryState();
      let machine = new StateMachine(store);
      for (let at = 0; at < first.log.length; at += size) {
        await machine.applyRun(first.log.slice(at, at + size));
        machine = new StateMachine(store);
      }
      expect(machine.digest).toEqual(first.machine.digest);
    }
    await audit(first.store, first.machine.digest);
  });

  test("a first reference into a settled block is refused, an older one stays", async () => {
    const runner = new Runner();
    const commands = new RandomCommands(seededRandom(5));
    for (const command of RandomCommands.opening()) await runner.run(command, 1);
    const chunks = commands.chunks(3);
    await runner.run({ type: "addChunks", blob: 1 as never, first: 0, chunks }, 2);
    const blocks = [1, 2] as never[];
    for (const block of blocks) await runner.run({ type: "sealBlock", block, generation: 1 }, 3);
    for (const block of blocks)
      await runner.run({ type: "settleBlock", block, generation: 1, afterMs: 10 }, 20);
    const put = (registered: number, more: typeof chunks) =>
      runner.run(
        {
          type: "putObject",
          bucket: "one",
          key: "k",
          content: {
            blob: 1 as never,
            registered,
            chunks: more,
            lengthBytes: (registered + more.length) * 100,
          },
          attributes: { etag: "x" },
        },
        30,
      );
    expect(await put(3, commands.chunks(1))).toBeUndefined();
    expect(await put(3, [])).toMatchObject({ type: "version" });
    await audit(runner.store, runner.machine.digest);
  });

  test("a malformed command is refused and changes nothing", async () => {
    const runner = new Runner();
    for (const command of RandomCommands.opening()) await runner.run(command, 1);
    const { digest } = runner.machine;
    const chunk = { block: 1, needle: 1n, lengthBytes: -5, crc32c: 2 };
    const put = { type: "putObject", bucket: "one", key: "k", attributes: { etag: "e" } };
    for (const command of [
      { ...put },
      { ...put, key: 7 },
      { ...put, content: { blob: 1, lengthBytes: 0, registered: 0 } },
      { ...put, content: { blob: 1, lengthBytes: -5, registered: 0, chunks: [chunk] } },
      { ...put, content: { blob: Number.NaN, lengthBytes: 0, registered: 0, chunks: [] } },
      { type: "makeCoffee" },
    ])
      expect(await runner.run(command as never, 2)).toBeUndefined();
    expect(runner.machine.digest).toEqual(digest);
  });

  test("a refusal says why", async () => {
    const runner = new Runner();
    const command: AnyCommand = { type: "deleteBucket", bucket: "none" };
    const [outcome] = await runner.machine.applyRun([commandEntry(1, 1, command)]);
    expect(
      outcome !== undefined && "refusal" in outcome && hasCode(outcome.refusal, "NoSuchBucket"),
    ).toBe(true);
  });
});
