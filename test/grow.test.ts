/** A store of `quarry serve` on one machine becomes a cluster, on the same folders, and more join it. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { RoleProcess } from "../cli/cluster/role-process.ts";
import { LeaderNames } from "../client/leader.ts";
import { filled, type NameService } from "../rpc/name-service.ts";
import { startCli } from "./cli-process.ts";
import { freePort, rootKeys, startServer } from "./server-process.ts";

const LONG_MS = 240_000;
const Bucket = "grown";

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1_800; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not within 90 seconds: ${what}`);
}

test("from one process to three hosts, with everything in its place", {
  timeout: LONG_MS,
}, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-grow-"));
  const data = join(folder.path, "data");
  const secret = "5a".repeat(32);
  const secretFile = join(folder.path, "secret");
  await writeFile(secretFile, secret, { mode: 0o600 });
  const admin = async (...words: string[]) => {
    const { ended } = startCli(
      { endpoint: "http://127.0.0.1:1", home: folder.path },
      "admin",
      ...words,
    );
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return out;
  };
  const keys: string[] = [];
  const put = async (client: S3Client, Key: string) => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }));
    keys.push(Key);
  };
  const readAll = async (client: S3Client) => {
    for (const Key of keys) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(await Body?.transformToString()).toBe(`body of ${Key}`);
    }
  };

  // One process: its devices are in the map, with pools and places as in any cluster.
  const gatewayPort = await freePort();
  const second = join(folder.path, "second");
  const server = await startServer({ data, port: gatewayPort, args: ["--data", second] });
  await server.client.send(new CreateBucketCommand({ Bucket }));
  for (let n = 0; n < 5; n++) await put(server.client, `alone-${n}`);
  const tree = await admin("tree", "--store", data);
  expect(tree).toMatch(/host .*\n.*osd\.0 .*\n.*osd\.1 /);
  await admin("pool", "set", "default", "--replicas", "2", "--domain", "osd", "--store", data);
  await until("a block on both disks", async () => {
    await put(server.client, `both-${keys.length}`);
    return (await admin("pg", "ls", "default", "--store", data)).includes("osd.0")
      ? true
      : undefined;
  });
  expect(await server.stop()).toBe(0);

  // The same folders, as a cluster.
  const at = { nameserver: `127.0.0.1:${await freePort()}` };
  const joining = ["--nameservers", at.nameserver, "--secret-file", secretFile];
  const output = { text: "" };
  await using roles = new AsyncDisposableStack();
  const start = (...words: string[]) => {
    const role = new RoleProcess({
      words,
      environment: {
        QUARRY_ROOT_ACCESS_KEY: rootKeys.accessKeyId,
        QUARRY_ROOT_SECRET_KEY: rootKeys.secretAccessKey,
      },
      output: (text) => {
        output.text += text.toString();
      },
    });
    roles.defer(async () => {
      await role.end("SIGTERM");
    });
    return until(`${words[0]} is ready:\n${output.text}`, async () =>
      role.isReady ? role : undefined,
    );
  };
  await start(
    ...["nameserver", "--data", join(data, "nameserver"), "--from-serve", "--node", "1"],
    ...["--peers", `1=${at.nameserver}`, "--secret-file", secretFile],
  );
  const dataserver = async (host: number, ...words: string[]) =>
    await start(
      ...["dataserver", ...words, "--listen", `127.0.0.1:${await freePort()}`],
      ...["--location", `host-${host}`, ...joining],
    );
  const first = await dataserver(1, "--data", data, second, "--from-serve");
  await start("gateway", "--port", String(gatewayPort), ...joining);
  const client = new S3Client({
    ...{ endpoint: `http://127.0.0.1:${gatewayPort}`, region: "us-east-1", forcePathStyle: true },
    credentials: rootKeys,
  });
  roles.defer(() => client.destroy());
  await readAll(client);

  const back = startCli({ endpoint: "", home: folder.path }, "serve", "--data", data, second);
  expect((await back.ended).err).toContain("is the data of a dataserver, not of a whole store");

  // Two hosts more, and three copies.
  await dataserver(2, "--data", join(folder.path, "host2"));
  await dataserver(3, "--data", join(folder.path, "host3"));
  await admin("pool", "set", "default", "--replicas", "3", "--domain", "host", ...joining);
  await using leader = new LeaderNames({
    ...{ clock: systemClock, random: systemRandom, secret: Buffer.from(secret, "hex") },
    addresses: [{ host: "127.0.0.1", port: Number(at.nameserver.split(":")[1]) }],
  });
  const { names } = leader;
  const { map } = await names.clusterMap(0);
  expect(map?.dataservers).toHaveLength(3);
  expect(map?.devices.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
  await until("new blocks have three members on three hosts", () => threefold(names));
  for (let n = 0; n < 5; n++) await put(client, `grown-${n}`);
  await readAll(client);

  // What was there before spreads too; then the first host may go.
  for (const key of keys) await until(`${key} is on three hosts`, () => isSpread(names, key));
  await first.end("SIGKILL");
  await readAll(client);
});

/** Whether all blocks that an object is in have three members. */
async function isSpread(names: NameService, key: string): Promise<true | undefined> {
  const { run } = await names.lookup({ bucket: Bucket, key, offset: 0 });
  for (const { block } of run?.chunks ?? [])
    if (filled((await names.locate(block)).members).length < 3) return undefined;
  return true;
}

async function threefold(names: NameService): Promise<true | undefined> {
  const blocks = await names.openBlocks(0);
  return blocks.some(({ members }) => filled(members).length === 3) ? true : undefined;
}
