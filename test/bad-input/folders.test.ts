/** Data folders and ports that a server cannot have: it refuses its start in a sentence, and touches nothing. */

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort, startServer } from "../server-process.ts";
import { failedStart } from "./failed-start.ts";
import { Stored } from "./stored.ts";

const args = ["--single-process"];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-folders-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

/** Every file with its bytes. */
async function contents(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      found.set(path, (await readFile(path)).toString("latin1"));
    }
  return found;
}

test("two servers on one folder: the second is told who has it, the first goes on", async () => {
  const data = join(folder, "data");
  await using first = await startServer({ data, port: await freePort(), args });
  const stored = new Stored();
  await stored.some(first.client);
  for (const more of [[], ["--gateways", "1"]])
    expect(
      await failedStart({ data, port: await freePort(), args: more.length > 0 ? more : args }),
    ).toMatch(
      new RegExp(
        `is in use by another server \\(process ${first.pid}\\); stop that one or choose another`,
      ),
    );
  await stored.check(first.client);
});

test.each([["--single-process"], ["--gateways=2"]])("a port in use (%s)", async (how) => {
  const holder = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => holder.listen(0, "127.0.0.1", listening));
  const address = holder.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const told = await failedStart({ data: join(folder, "data"), port, args: [how] });
    expect(told).toContain(
      `port ${port} is taken. Stop what listens there, or choose another with --port.`,
    );
    const fids = ["--fids", String(port)];
    expect(
      await failedStart({ data: join(folder, "data"), port: 0, args: [how, ...fids] }),
    ).toContain("choose another with --fids.");
  } finally {
    await new Promise((closed) => holder.close(closed));
  }
});

test.each(["device", "nameserver"])(
  "a %s folder of a newer version is left as it is",
  async (part) => {
    const data = join(folder, "data");
    const options = { data, port: await freePort(), args };
    const stored = new Stored();
    {
      await using server = await startServer(options);
      await stored.some(server.client);
      expect(await server.stop()).toBe(0);
    }
    const identity = join(data, part, "identity.json");
    const written = await readFile(identity, "utf8");
    await writeFile(identity, written.replace(/"format": \d+/, '"format": 9'));
    const before = await contents(data);
    expect(await failedStart(options)).toMatch(
      /identity\.json was written by a newer version of Quarry \(format 9\); install that version/,
    );
    const after = await contents(data);
    // Locks, the log of LevelDB and when blocks were found good say that someone was here; what is stored
    // says nothing of it.
    const noted = /lock(\.json)?$|\/LOG(\.old)?$|\/checked$/i;
    for (const [path, bytes] of before)
      if (!noted.test(path)) expect(after.get(path) === bytes, path).toBe(true);
    await writeFile(identity, written);
    await using again = await startServer(options);
    await stored.check(again.client);
  },
);

test("the metadata of one store beside the device of another, a lost part, a file for a folder", async () => {
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  const port = await freePort();
  for (const data of [one, two]) {
    await using server = await startServer({ data, port, args });
    if (data === one) await new Stored().some(server.client);
    expect(await server.stop()).toBe(0);
  }
  const swapped = join(folder, "swapped");
  await cp(one, swapped, { recursive: true });
  await rm(join(swapped, "nameserver", "identity.json"));
  await cp(join(one, "device", "identity.json"), join(swapped, "nameserver", "identity.json"));
  expect(await failedStart({ data: swapped, port, args })).toMatch(
    /is the data of a device, not of a nameserver; choose another directory/,
  );
  const lost = join(folder, "lost");
  await cp(one, lost, { recursive: true });
  await rm(join(lost, "nameserver", "state"), { recursive: true });
  expect(await failedStart({ data: lost, port, args })).toMatch(
    /lost its files; restore .* from a backup/,
  );
  await writeFile(join(folder, "file"), "");
  for (const data of [join(folder, "file"), join(folder, "file", "below")])
    expect(await failedStart({ data, port, args })).toMatch(/a file is where a folder is needed/);
});

test.runIf(process.platform === "linux")(
  "a folder that can never be made is no endless wait",
  async () => {
    expect(await failedStart({ data: "/proc/nope", port: await freePort(), args })).toMatch(
      /folder \/proc\/nope cannot be made there|no permission for/,
    );
  },
);
