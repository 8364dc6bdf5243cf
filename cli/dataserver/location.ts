/** Where a dataserver stands, as it is typed: region/zone/rack/host, or only the last parts of it. */
import { QuarryError } from "../../base/errors.ts";
import type { Location } from "../../rpc/cluster-map.ts";

const PARTS = 4;
const NAME = /^[\w.-]{1,64}$/;

export function parseLocation(text: string): Location {
  const parts = text.split("/");
  const wrong = parts.find((part) => !NAME.test(part));
  if (parts.length > PARTS || wrong !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `--location is like region/zone/rack/host, or rack/host, in letters, digits, dots, dashes and underscores; ${text || "empty"} is not`,
    );
  const [host = "", rack, zone, region] = parts.toReversed();
  return {
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { zone }),
    ...(rack !== undefined && { rack }),
    host,
  };
}

/** The name of the machine, as far as it is one for a place. */
export function hostLocation(hostname: string): Location {
  const host = hostname.replaceAll(/[^\w.-]/g, "-").slice(0, 64);
  return { host: host === "" ? "host" : host };
}

/** As it would be typed. */
export function placeText({ region, zone, rack, host }: Location): string {
  return [region, zone, rack, host].filter((part) => part !== undefined).join("/");
}
