/** `quarry admin nameserver`: how the nameservers of a group stand. */
import { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { parseAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { MemberStatus } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import { explain } from "../explain.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "../tls-files.ts";

interface StatusFlags extends TlsFlags {
  readonly servers: string;
  readonly secretFile: string;
  readonly json?: boolean;
}

interface Answer {
  readonly address: string;
  readonly status?: MemberStatus;
  readonly error?: string;
}

const DEADLINE_MS = 3_000;

export function nameserversCommand(): Command {
  return new Command("nameserver")
    .description("nameservers of a group")
    .addCommand(
      withTlsOptions(
        new Command("status")
          .description("who leads, and how far each of them is")
          .requiredOption("--servers <list>", "nameservers to ask, as in host:port,host:port")
          .requiredOption("--secret-file <file>", "64 hex digits that all servers share")
          .option("--json", "one JSON object a line"),
      ).action((flags: StatusFlags) => status(flags)),
    );
}

async function status({ servers, secretFile, json, ...flags }: StatusFlags): Promise<void> {
  const secret = await readSecret(secretFile);
  using certificates = await TlsFiles.open(flags);
  const asked = servers.split(",").map((address) => ask(address, secret, certificates));
  const answers = await Promise.all(asked);
  for (const answer of answers) console.log(json === true ? JSON.stringify(answer) : line(answer));
  if (answers.every((answer) => answer.status === undefined))
    throw new QuarryError("Unavailable", "none of these nameservers answers; are they running?");
}

async function ask(address: string, secret: Buffer, { tls }: TlsFiles): Promise<Answer> {
  await using rpc = new RpcClient({
    ...{ address: parseAddress(address), secret, clock: systemClock, random: systemRandom },
    ...(tls && { tls }),
    deadlineMs: DEADLINE_MS,
  });
  try {
    return { address, status: await connect(groupTable, rpc).status() };
  } catch (error) {
    return { address, error: explain(error) };
  }
}

function line({ address, status: one, error }: Answer): string {
  if (one === undefined) return `${address}  no answer: ${error}`;
  const { node, role, term, leader, applied, lastIndex, digest } = one;
  const led = role === "leader" ? "leads" : leader === 0 ? "knows no leader" : `follows ${leader}`;
  return `${address}  nameserver ${node}  ${led}  term ${term}  applied ${applied} of ${lastIndex}  state ${digest}`;
}
