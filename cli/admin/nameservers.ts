/** `quarry admin nameserver`: who belongs to the group of nameservers, and how they stand. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { nodeFrom } from "../nameserver/settings.ts";
import { openPeers } from "../peers.ts";
import { stayAlive } from "../stay-alive.ts";
import { type TlsFlags, withTlsOptions } from "../tls-files.ts";
import * as changes from "./nameserver-changes.ts";
import { type AskedGroup, status } from "./nameserver-status.ts";

interface GroupFlags extends TlsFlags {
  readonly servers?: string;
  readonly secretFile?: string;
  /** A folder of `quarry cluster`, instead of these. */
  readonly cluster?: string;
  readonly json?: boolean;
}

/** Of the group that the flags name. */
async function asked<Answer>(
  flags: GroupFlags,
  act: (group: AskedGroup) => Promise<Answer>,
): Promise<Answer> {
  const { servers, json = false, ...rest } = flags;
  const isNamed = servers !== undefined && rest.secretFile !== undefined;
  const hasAny = servers !== undefined || rest.secretFile !== undefined;
  if (rest.cluster === undefined ? !isNamed : hasAny)
    throw new QuarryError(
      "InvalidArgument",
      "say --servers and --secret-file, or --cluster with the folder of `quarry cluster`",
    );
  const named = servers === undefined ? rest : { ...rest, nameservers: servers };
  using peers = await openPeers(named, console.error);
  using _ = stayAlive();
  return await act({
    ...{ ...peers.trust, json, servers: peers.addresses },
    say: (line) => console.log(line),
  });
}

function groupCommand(name: string, description: string): Command {
  return withTlsOptions(
    new Command(name)
      .description(description)
      .option("--servers <list>", "some of the nameservers, as in host:port,host:port")
      .option("--secret-file <file>", "64 hex digits that all servers share")
      .option("--cluster <dir>", "instead of these: the folder of `quarry cluster` on this machine")
      .option("--json", "JSON objects, one a line"),
  );
}

const numberOf = (text: string) => nodeFrom(text, "a nameserver");

export function nameserversCommand(): Command {
  return new Command("nameserver")
    .description("who belongs to the group of nameservers, and how they stand")
    .addCommand(statusCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(replaceCommand())
    .addCommand(transferCommand())
    .addCommand(promoteCommand())
    .addCommand(demoteCommand())
    .addHelpText(
      "after",
      "\nThe page docs/nameservers.md walks through founding, joining, replacing and restarting.",
    );
}

const statusCommand = () =>
  groupCommand("status", "who leads, who votes, and how far each of them is").action(
    (flags: GroupFlags) => asked(flags, status),
  );

const addCommand = () =>
  groupCommand("add", "give a nameserver that is to come its number")
    .argument("<host:port>", "where it will be reached")
    .option("--learner", "it follows along, without a vote")
    .addHelpText(
      "after",
      "\nNot needed before `quarry nameserver --join`, which asks by itself. The new one is a learner at first, and a voter when it has caught up.",
    )
    .action(async (address: string, flags: GroupFlags & { readonly learner?: boolean }) => {
      const { learner, ...rest } = flags;
      const role = learner === true ? "learner" : "voter";
      await asked(rest, (group) => changes.add(group, { address, role }));
    });

const removeCommand = () =>
  groupCommand("remove", "take a nameserver out of the group, for good")
    .argument("<n>", "its number", numberOf)
    .option("--force", "also when the voters that are left have no majority that answers")
    .addHelpText(
      "after",
      "\nIts process stops by itself (exit code 7). A leader hands over first. Its number never comes back.",
    )
    .action(async (node, flags: GroupFlags & { readonly force?: boolean }) => {
      const { force, ...rest } = flags;
      await asked(rest, (group) => changes.remove(group, node, force === true));
    });

const replaceCommand = () =>
  groupCommand("replace", "put a new nameserver in the place of one")
    .argument("<n>", "the number of the one that goes", numberOf)
    .argument("<host:port>", "where the new one will be reached")
    .addHelpText(
      "after",
      "\nThe old one may be dead. It goes when the new one is a voter, so that no vote is missing meanwhile. `quarry nameserver --join … --replace n` does the same at once.",
    )
    .action(async (node, address: string, flags: GroupFlags) => {
      await asked(flags, (group) => changes.add(group, { address, role: "voter", replaces: node }));
    });

const transferCommand = () =>
  groupCommand("transfer", "let another nameserver lead")
    .argument("[n]", "which; default: the one that has most of the log", numberOf)
    .action(async (node, flags: GroupFlags) => {
      await asked(flags, (group) => changes.transfer(group, node));
    });

const promoteCommand = () =>
  groupCommand("promote", "make a learner a voter, as soon as it has caught up")
    .argument("<n>", "its number", numberOf)
    .action(async (node, flags: GroupFlags) => {
      await asked(flags, (group) => changes.setRole(group, node, "voter", false));
    });

const demoteCommand = () =>
  groupCommand("demote", "make a voter a learner, which follows along without a vote")
    .argument("<n>", "its number", numberOf)
    .option("--force", "also when the voters that are left have no majority that answers")
    .action(async (node, flags: GroupFlags & { readonly force?: boolean }) => {
      const { force, ...rest } = flags;
      await asked(rest, (group) => changes.setRole(group, node, "learner", force === true));
    });
