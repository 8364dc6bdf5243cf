import { once } from "node:events";
import { type AddressInfo, connect as connectPlain, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { TestAuthority } from "../test/certificates.ts";
import { device, memoryBlocks, pair, request, secret } from "../test/rpc-pair.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { blockTable } from "./tables.ts";
import { checkNoTls, TlsIdentity } from "./tls.ts";

const block = { device, block: 1 as BlockId, generation: 1 };
const authority = new TestAuthority();
const DAY_MS = 24 * 3_600_000;
const address = { host: "127.0.0.1", port: 0 };
const identity = (from = authority.issue()) => new TlsIdentity(from, systemClock);

describe("TLS", () => {
  test("small and large payloads travel, encrypted", async () => {
    const tls = identity();
    await using p = await pair(memoryBlocks(), { address, tls }, { tls: identity() });
    for (const bytes of [0, 100, 70_000, 8 << 20]) {
      const data = Buffer.alloc(bytes, "secret payload ");
      await p.blocks.append(request(BigInt(bytes + 1), data), data);
      const needle = BigInt(bytes + 1) as NeedleId;
      const wanted = { device, block: 4e9 as BlockId, needle, offset: 0, lengthBytes: bytes };
      const reply = await p.blocks.read(wanted);
      expect(reply.kind === "data" && data.equals(reply.data)).toBe(true);
    }
    expect(p.reported).toEqual([]);
  });

  test("new certificates count for new connections; open ones go on", async () => {
    const tls = identity();
    await using p = await pair(
      memoryBlocks(),
      { address, tls },
      { tls: identity(), connections: 1 },
    );
    await p.blocks.createBlock(block);
    const [peer] = p.server.peers;
    const other = new TestAuthority("another authority");
    tls.replace(other.issue());
    await p.blocks.createBlock(block);
    expect([...p.server.peers]).toEqual([peer]);
    const seams = { secret, clock: systemClock, random: systemRandom };
    await using later = new RpcClient({
      ...{ ...seams, address: p.server.address },
      tls: identity(other.issue()),
    });
    await connect(blockTable, later).createBlock(block);
    await using stranger = new RpcClient({ ...seams, address: p.server.address, tls: identity() });
    await expect(connect(blockTable, stranger).createBlock(block)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringContaining("not signed by an authority"),
      mayHaveExecuted: false,
    });
  });

  test("a server for another name, or of another authority, is told nothing", async () => {
    for (const [issued, words] of [
      [authority.issue({ hosts: ["elsewhere.example"] }), "for another name"],
      [new TestAuthority("others").issue(), "not signed by an authority"],
    ] as const) {
      await using p = await pair(
        memoryBlocks(),
        { address, tls: identity(issued) },
        { tls: identity() },
      );
      await expect(p.blocks.createBlock(block)).rejects.toMatchObject({
        message: expect.stringContaining(words),
        mayHaveExecuted: false,
      });
    }
  });

  test("a client of another authority is refused in words, and nothing is executed", async () => {
    const stranger = { ...new TestAuthority("others").issue(), ca: authority.pem };
    await using p = await pair(
      memoryBlocks(),
      { address, tls: identity() },
      { tls: identity(stranger) },
    );
    await expect(p.blocks.createBlock(block)).rejects.toMatchObject({
      code: "Protocol",
      message: expect.stringContaining("does not accept this process's certificate (UNABLE_TO"),
      mayHaveExecuted: false,
    });
  });

  test("a certificate that ran out is named by whoever sees it", async () => {
    const tooEarly = new SimulatedClock(Date.now() - 10 * DAY_MS);
    expect(() => new TlsIdentity(authority.issue(), tooEarly)).toThrow(/not valid before/);
    const then = new SimulatedClock(Date.now() - DAY_MS / 2);
    const shortly = authority.issue({ untilMs: Date.now() - DAY_MS / 4 });
    {
      const tls = new TlsIdentity(shortly, then);
      await using p = await pair(memoryBlocks(), { address, tls }, { tls: identity() });
      await expect(p.blocks.createBlock(block)).rejects.toThrow(/peer's certificate has expired/);
    }
    const tls = new TlsIdentity(shortly, then);
    await using p = await pair(memoryBlocks(), { address, tls: identity() }, { tls });
    await expect(p.blocks.createBlock(block)).rejects.toThrow(/CERT_HAS_EXPIRED/);
  });

  test("files of no use are refused, and the old ones stay", async () => {
    const tls = identity();
    const before = tls.context;
    const good = authority.issue();
    for (const [bad, words] of [
      [{ ...good, key: authority.issue().key }, /mismatch/i],
      [{ ...good, cert: "nothing" }, /certificate, key or authority/],
      [{ ...good, ca: "nothing" }, /certificate, key or authority/],
      [authority.issue({ untilMs: Date.now() - 1000 }), /expired on/],
    ] as const)
      expect(() => tls.replace(bad)).toThrow(words);
    expect(tls.context).toBe(before);
  });

  test("one side without TLS is told so", async () => {
    {
      await using p = await pair(memoryBlocks(), { address, tls: identity() });
      await expect(p.blocks.createBlock(block)).rejects.toThrow(/does it want certificates/);
    }
    await using p = await pair(memoryBlocks(), { address }, { tls: identity() });
    await expect(p.blocks.createBlock(block)).rejects.toThrow(/does it use certificates too/);
    const greeting = Buffer.from([0x16, 3, 1, 0, 5]);
    expect(() => checkNoTls(greeting)).toThrow(/the peer speaks TLS/);
  });

  test("the secret is still asked for", async () => {
    const other = { tls: identity(), secret: Buffer.alloc(32, 9) };
    await using p = await pair(memoryBlocks(), { address, tls: identity() }, other);
    await expect(p.blocks.createBlock(block)).rejects.toThrow(/cluster secret/);
  });

  test("a server that goes away is not said to be full by who was about to greet it", async () => {
    const slow = Promise.withResolvers<void>();
    const blocks = { ...memoryBlocks(), createBlock: () => slow.promise };
    await using p = await pair(blocks, { address, tls: identity() }, { tls: identity() });
    const underWay = p.blocks.createBlock(block);
    await expect.poll(() => p.server.peers.size).toBe(1);
    if ("path" in p.server.address) throw new Error("a port was asked for");
    const { port } = p.server.address;
    const [connected, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const between = createServer((client) => {
      const server = connectPlain(port, "127.0.0.1", async () => {
        connected.resolve();
        await mayGoOn.promise;
        client.pipe(server).pipe(client);
      });
      for (const one of [client, server])
        one.on("error", () => undefined).on("close", () => client.destroy());
    }).listen(0, "127.0.0.1");
    await once(between, "listening");
    const other = new RpcClient({
      ...{ address: { host: "127.0.0.1", port: (between.address() as AddressInfo).port }, secret },
      ...{ clock: systemClock, random: systemRandom, tls: identity() },
    });
    const asked = connect(blockTable, other).createBlock(block);
    const refused = expect(asked).rejects.toMatchObject({
      ...{ mayHaveExecuted: false, code: expect.not.stringMatching("Busy") },
    });
    await connected.promise;
    const closing = p.server.close();
    mayGoOn.resolve();
    await refused;
    slow.resolve();
    await Promise.all([underWay, closing]);
    await other.close();
    between.close();
  });

  test("a server closes though somebody is in the middle of greeting it", async () => {
    const p = await pair(memoryBlocks(), { address, tls: identity() }, { tls: identity() });
    await p.blocks.createBlock(block);
    if ("path" in p.server.address) throw new Error("a port was asked for");
    const silent = connectPlain(p.server.address.port, "127.0.0.1");
    const gone = new Promise((resolve) => silent.once("close", resolve));
    await new Promise((resolve) => silent.once("connect", resolve));
    await p[Symbol.asyncDispose]();
    await gone;
  });
});
