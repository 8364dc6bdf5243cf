/**
 * A gateway process: the S3 face over a client that reaches metadata and blocks by RPC. It keeps no
 * state that matters, so it may die at any time; the storing process starts another.
 */
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { blockTable, nameTable } from "../../rpc/tables.ts";
import { explain } from "../explain.ts";
import { createLogger, type Face, openFace } from "./face.ts";
import type { FromGateway, ToGateway } from "./messages.ts";
import { ScrapeOfAll } from "./scrape.ts";

let face: Face | undefined;

const tell = (message: FromGateway) => process.send?.(message);
const scrape = new ScrapeOfAll((id) => tell({ kind: "scrape", id }), systemClock);

// Ctrl-C reaches the whole group: the storing process decides when a gateway ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => process.exit(1));

process.on("message", (message: ToGateway) => {
  switch (message.kind) {
    case "start":
      start(message).catch((error: unknown) => {
        tell({ kind: "failed", message: explain(error) });
      });
      break;
    case "scraped":
      scrape.answered(message.id, message.text);
      break;
    case "stop":
      void (face?.close() ?? Promise.resolve()).then(() => process.exit(0));
      break;
  }
});
tell({ kind: "started" });

async function start(message: Extract<ToGateway, { kind: "start" }>): Promise<void> {
  const rpc = new RpcClient({
    address: { path: message.socketPath },
    secret: Buffer.from(message.secret, "hex"),
    clock: systemClock,
    random: systemRandom,
  });
  const blocks = connect(blockTable, rpc);
  const store = createClient({
    names: connect(nameTable, rpc),
    serviceOf: () => blocks,
    clock: systemClock,
    random: systemRandom,
    onClose: async () => rpc.close(),
  });
  const logger = createLogger(message.settings.logLevel, "gateway");
  face = await openFace(store, message.settings, logger, {
    registry: scrape.registry,
    scrape: () => scrape.scrape(),
  });
  const { url, more } = face;
  tell({ kind: "ready", url, more: more.map(({ name, url: at }) => ({ name, url: at })) });
}
