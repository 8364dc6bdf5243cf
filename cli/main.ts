/**
 * The `quarry` program: one command a file, errors in words. Only the command that is typed is
 * loaded, so that a small one starts quickly; help loads all.
 */
import { Command, CommanderError } from "commander";
import { errorName, exitCodeOf, exitCodes } from "./exit-code.ts";
import { explain } from "./explain.ts";
import { printable } from "./objects/printable.ts";

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve/command.ts")).serveCommand(),
  cluster: async () => (await import("./cluster/command.ts")).clusterCommand(),
  nameserver: async () => (await import("./nameserver/command.ts")).nameserverCommand(),
  dataserver: async () => (await import("./dataserver/command.ts")).dataserverCommand(),
  gateway: async () => (await import("./gateway/command.ts")).gatewayCommand(),
  mb: async () => (await import("./objects/mb.ts")).mbCommand(),
  rb: async () => (await import("./objects/rb.ts")).rbCommand(),
  ls: async () => (await import("./objects/ls.ts")).lsCommand(),
  put: async () => (await import("./objects/put.ts")).putCommand(),
  get: async () => (await import("./objects/get.ts")).getCommand(),
  cat: async () => (await import("./objects/cat.ts")).catCommand(),
  stat: async () => (await import("./objects/stat.ts")).statCommand(),
  cp: async () => (await import("./objects/cp.ts")).cpCommand(),
  mv: async () => (await import("./objects/mv.ts")).mvCommand(),
  sync: async () => (await import("./objects/sync.ts")).syncCommand(),
  rm: async () => (await import("./objects/rm.ts")).rmCommand(),
  undelete: async () => (await import("./objects/undelete.ts")).undeleteCommand(),
  du: async () => (await import("./objects/du.ts")).duCommand(),
  presign: async () => (await import("./objects/presign.ts")).presignCommand(),
  stream: async () => (await import("./stream/command.ts")).streamCommand(),
  file: async () => (await import("./file/command.ts")).fileCommand(),
  admin: async () => (await import("./admin/command.ts")).adminCommand(),
  backup: async () => (await import("./backup/command.ts")).backupFileCommand(),
  restore: async () => (await import("./backup/restore-command.ts")).restoreCommand(),
  rescue: async () => (await import("./rescue/command.ts")).rescueCommand(),
  fsck: async () => (await import("./fsck/command.ts")).fsckCommand(),
  crush: async () => (await import("./crush/command.ts")).crushCommand(),
  bench: async () => (await import("./bench/command.ts")).benchCommand(),
  erasure: async () => (await import("./erasure/command.ts")).erasureCommand(),
};

const program = new Command("quarry")
  .description("A distributed object and file store that speaks S3.")
  .version("0.1.0")
  .exitOverride()
  .showHelpAfterError("(--help shows what there is)")
  .addHelpText(
    "after",
    "\nStart with: quarry serve, or quarry cluster\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 refused, 4 not there, 5 store not reached, 6 local disk,\n7 this nameserver was removed from its group, 130 interrupted",
  );

/** Also commands of commands are to end with exit code 2, and to name --help. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from);
  for (const below of command.commands) inherit(below, command);
  return command;
}

function tell(error: unknown, message: string): void {
  console.error(
    process.argv.includes("--json")
      ? JSON.stringify({ error: errorName(error), message })
      : `quarry: ${printable(message)}`,
  );
  process.exitCode = exitCodeOf(error);
}

// Who reads the output may leave when it has enough (`quarry ls | head`): that is no failure. A file
// that takes no more is one, also in the middle of a line.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  tell(error, `the output cannot be written: ${explain(error)}`);
  process.exit();
});
// Nobody hears of errors any more; the exit code still tells.
process.stderr.on("error", () => undefined);

try {
  const typed = process.argv[2] ?? "";
  const wanted = Object.hasOwn(commands, typed) ? [typed] : Object.keys(commands);
  for (const name of wanted) {
    const command = await commands[name]?.();
    if (command !== undefined) program.addCommand(inherit(command, program));
  }
  await program.parseAsync();
} catch (error) {
  // Commander has said already what is wrong with the command line.
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else tell(error, explain(error));
}
