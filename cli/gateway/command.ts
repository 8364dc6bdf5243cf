/** `quarry gateway`: one of several equal S3 faces of a cluster. */
import { Command } from "commander";
import { createClient } from "../../client/client.ts";
import { Devices } from "../../client/devices.ts";
import { LeaderNames } from "../../client/leader.ts";
import { formatAddress } from "../../rpc/address.ts";
import { openPeers, withPeerOptions } from "../peers.ts";
import { createLogger, openFace } from "../serve/face.ts";
import { moreLines, withFaceOptions } from "../serve/more-faces.ts";
import { environmentKeys } from "../serve/root-credentials.ts";
import { askedToEnd, tellReady } from "../starter.ts";
import { seeToFirstKey } from "./first-key.ts";
import { type GatewayFlags, type GatewaySettings, gatewaySettings } from "./settings.ts";
import { untilReached } from "./until-reached.ts";

const EXAMPLES = `
Examples:
  quarry gateway --nameservers 127.0.0.1:7001 --secret-file secret
  quarry gateway --nameservers 127.0.0.1:7001 --secret-file secret --port 9001 --fids 7500`;

export function gatewayCommand(): Command {
  const command = new Command("gateway").description("serve S3 for a cluster (docs/cluster.md)");
  return withFaceOptions(withPeerOptions(command))
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", "9000")
    .option("--region <name>", "region that clients name", "us-east-1")
    .option("--domain <name>", "also serve buckets as bucket.<name>")
    .option("--log-level <level>", "debug, info, warn, error, silent", "info")
    .addHelpText(
      "after",
      `${EXAMPLES}\n\nA new cluster has no keys: make the root user's with \`quarry admin root\`, or let the first gateway bring them in QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY.`,
    )
    .action((flags: GatewayFlags) => run(gatewaySettings(flags), flags));
}

async function run(settings: GatewaySettings, flags: GatewayFlags): Promise<void> {
  const keys = environmentKeys(process.env);
  const logger = createLogger(settings.logLevel, "gateway");
  using peers = await openPeers(flags, (message) => logger.warn(message));
  const asked = askedToEnd(() => process.exit(130));
  const { addresses, trust } = peers;
  await using leader = new LeaderNames({ ...trust, addresses });
  const { names } = leader;
  await using devices = new Devices({ ...trust, names });
  const store = createClient({ ...trust, names, serviceOf: devices.serviceOf });
  const advice = await untilReached({
    asked,
    attempt: () => seeToFirstKey(names, keys),
    tell: (trouble) => logger.warn(trouble),
  });
  if (advice === "asked to stop") return;
  const face = await openFace(store, settings, logger);
  console.log(`Quarry serves S3 at ${face.url}${moreLines(face.more)}
  nameservers  ${addresses.map(formatAddress).join(", ")}
  stop         Ctrl-C`);
  tellReady();
  if (advice !== undefined) logger.warn(advice);
  await asked;
  console.log("answering what is under way, then stopping …");
  await face.close();
}
