import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { startCli } from "./cli-process.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const LONG_MS = 60_000;
const GIVEN_UP_MS = 20_000;

let group: NameserverGroup | undefined;
afterEach(async () => await group?.[Symbol.asyncDispose]());

const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;
const user = { id: "ann", displayName: "Ann", email: "ann@example.com" };

describe("three nameservers, each a process", () => {
  test(
    "a killed leader is missed by nobody for long, and all agree when it is back",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      const { names } = client;
      await names.execute(bucket("first"));
      await names.execute({ type: "putUser", user });
      expect((await names.buckets("me", "", 10)).map(({ name }) => name)).toEqual(["first"]);
      expect((await names.users("", 10)).map(({ id }) => id)).toContain("ann");
      const leader = await group.leader();
      await group.end(leader, "SIGKILL");
      await names.execute(bucket("second"));
      expect((await names.buckets("me", "", 10)).length).toBe(2);
      expect(await group.leader()).not.toBe(leader);
      group.start(leader);
      expect((await group.digests()).size).toBe(1);
    },
    LONG_MS,
  );

  test(
    "a leader that is asked to stop hands over, and a rolling restart loses and refuses nothing",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      const { names } = client;
      await names.execute(bucket("before"));
      let isDone = false;
      let written = 0;
      const writing = (async () => {
        while (!isDone) {
          await names.execute(bucket(`rolling-${++written}`));
          await sleep(20);
        }
      })();
      for (const node of group.nodes) {
        expect(await group.end(node, "SIGTERM")).toBe(0);
        group.start(node);
        await group.leader();
        await expect.poll(() => group?.status(node), { timeout: 10_000 }).toBeDefined();
      }
      isDone = true;
      await writing;
      expect((await names.buckets("me", "", 1000)).length).toBe(written + 1);
      expect((await group.digests()).size).toBe(1);
      const servers = [...group.addresses.values()].map(({ port }) => `127.0.0.1:${port}`).join();
      const status = ["status", "--servers", servers, "--secret-file", group.secretFile, "--json"];
      const cli = startCli({ endpoint: "", home: "/tmp" }, "admin", "nameserver", ...status);
      const { out, code } = await cli.ended;
      const roles = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).status.role);
      expect([code, roles.toSorted()]).toEqual([0, ["follower", "follower", "leader"]]);
    },
    LONG_MS,
  );

  test(
    "a leader that stood still answers no read from before",
    async () => {
      group = await NameserverGroup.found(3);
      const old = await group.leader();
      await using client = group.client([old]);
      await client.names.execute(bucket("first"));
      group.signal(old, "SIGSTOP");
      // It lies in the socket, and is the first that the old leader hears.
      const read = client.names.buckets("me", "", 10);
      await using others = group.client(group.nodes.filter((node) => node !== old));
      await others.names.execute(bucket("second"));
      group.signal(old, "SIGCONT");
      expect((await read).map(({ name }) => name)).toEqual(["first", "second"]);
      expect((await group.digests()).size).toBe(1);
    },
    LONG_MS,
  );

  test(
    "clients give up a leader that stands still, and find the next",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      await client.names.execute(bucket("first"));
      const old = await group.leader();
      group.signal(old, "SIGSTOP");
      // Its sockets are open, and it never answers.
      expect((await client.names.buckets("me", "", 10)).length).toBe(1);
      await client.names.execute(bucket("second"));
      group.signal(old, "SIGCONT");
      expect((await group.digests()).size).toBe(1);
    },
    // Much less than the sign of life that any other server is given time for.
    GIVEN_UP_MS,
  );

  test(
    "a folder is not taken for another's, and an empty one not for that of an old member",
    async () => {
      group = await NameserverGroup.found(1);
      await using client = group.client();
      await client.names.execute(bucket("alone"));
      const peers = "1=127.0.0.1:1,2=127.0.0.1:2";
      const secret = ["--peers", peers, "--secret-file", group.secretFile];
      const run = (...flags: readonly string[]) =>
        startCli({ endpoint: "", home: "/tmp" }, "nameserver", ...secret, ...flags).ended;
      const empty = await run("--data", `${group.secretFile}-folder`, "--node", "2");
      expect([empty.code, empty.err]).toEqual([2, expect.stringContaining("--found")]);
      await group.end(1, "SIGTERM");
      const other = await run("--data", group.secretFile.replace("secret", "1"), "--node", "2");
      expect([other.code, other.err]).toEqual([2, expect.stringContaining("nameserver 1, not 2")]);
    },
    LONG_MS,
  );

  test(
    "a member that lost its folder does not found its group again",
    async () => {
      group = await NameserverGroup.found(3);
      await using client = group.client();
      await client.names.execute(bucket("there"));
      await group.end(3, "SIGKILL");
      await rm(group.data(3), { recursive: true });
      group.start(3, "--found");
      expect(await group.ended(3)).toBe(2);
      expect(group.said(3)).toContain("has met another folder as nameserver 3");
      await client.names.execute(bucket("still-there"));
    },
    LONG_MS,
  );

  test(
    "a group begins when all that found it are there",
    async () => {
      group = await NameserverGroup.found(3);
      await group.end(2, "SIGKILL");
      while (!group.said(1).includes("waiting for nameserver 2")) await sleep(50);
      expect(await group.status(1)).toBeUndefined();
      group.start(2, "--found");
      await using client = group.client();
      await client.names.execute(bucket("all-there"));
    },
    LONG_MS,
  );
});
