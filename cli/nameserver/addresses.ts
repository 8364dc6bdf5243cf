/** Some or all nameservers of a cluster, as typed by who wants to reach them. */
import { QuarryError } from "../../base/errors.ts";
import { type Address, parseAddress } from "../../rpc/address.ts";

/** `host:port,host:port,…` */
export function nameserversFrom(text: string): Address[] {
  if (text === "")
    throw new QuarryError("InvalidArgument", "--nameservers is like host:port,host:port");
  return text.split(",").map(parseAddress);
}
