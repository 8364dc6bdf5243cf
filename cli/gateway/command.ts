/** `quarry gateway`: one of several equal S3 faces of a cluster. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import { Devices } from "../../client/devices.ts";
import { LeaderNames } from "../../client/leader.ts";
import { formatAddress } from "../../rpc/address.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { createLogger, openFace } from "../serve/face.ts";
import { environmentKeys } from "../serve/root-credentials.ts";
import { askedToStop } from "../serve/stop-signals.ts";
import { seeToFirstKey } from "./first-key.ts";
import { type GatewayFlags, type GatewaySettings, gatewaySettings } from "./settings.ts";
import { untilReached } from "./until-reached.ts";

const seams = { clock: systemClock, random: systemRandom };

export function gatewayCommand(): Command {
  return new Command("gateway")
    .description("serve S3 for a cluster (docs/cluster.md)")
    .requiredOption("--nameservers <list>", "the nameservers, as in host:port,host:port,host:port")
    .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", "9000")
    .option("--region <name>", "region that clients name", "us-east-1")
    .option("--domain <name>", "also serve buckets as bucket.<name>")
    .option("--log-level <level>", "debug, info, warn, error, silent", "info")
    .addHelpText(
      "after",
      "\nThe first gateway of a new cluster can bring the root user's key: QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY. Or make it with: quarry admin root",
    )
    .action((flags: GatewayFlags) => run(gatewaySettings(flags)));
}

async function run(settings: GatewaySettings): Promise<void> {
  const secret = await readSecret(settings.secretFile);
  const keys = environmentKeys(process.env);
  const logger = createLogger(settings.logLevel, "gateway");
  const asked = askedToStop(() => process.exit(130));
  await using leader = new LeaderNames({ ...seams, secret, addresses: settings.nameservers });
  const { names } = leader;
  await using devices = new Devices({ ...seams, names, secret });
  const store = createClient({ ...seams, names, serviceOf: devices.serviceOf });
  const advice = await untilReached({
    asked,
    attempt: () => seeToFirstKey(names, keys),
    tell: (trouble) => logger.warn(trouble),
  });
  if (advice === "asked to stop") return;
  const face = await openFace(store, settings, logger);
  console.log(`Quarry serves S3 at ${face.url}
  nameservers  ${settings.nameservers.map(formatAddress).join(", ")}
  stop         Ctrl-C`);
  if (advice !== undefined) logger.warn(advice);
  await asked;
  console.log("answering what is under way, then stopping …");
  await face.close();
}
