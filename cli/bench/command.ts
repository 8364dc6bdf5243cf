/** `quarry bench`: how fast stores are, side by side. */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Command, Option } from "commander";
import { exitCodes } from "../exit-code.ts";
import { withEndpointOptions } from "./endpoint-flags.ts";
import { endpointsFrom, type StartFlags } from "./endpoints.ts";
import type { ClientName } from "./measure.ts";
import { microForms, microsOf } from "./micro/micros.ts";
import { measureMicros } from "./micro/run.ts";
import { type PlanFlags, paceFrom, planFrom } from "./plan.ts";
import { reportHtml } from "./report-html.ts";
import type { Report } from "./result.ts";
import { measureEndpoints } from "./run.ts";
import { reportText } from "./table.ts";
import { allWorkloads, forms, usualWorkloads } from "./workload.ts";

const EXAMPLES = `
Examples:
  quarry bench                                        # a store of its own, the usual workloads
  quarry bench --endpoint quarry --endpoint raw-disk --workload put-4k
  quarry bench --endpoint quarry --endpoint cluster --cluster-dataservers 3 --workload put-4k,get-4k
  quarry bench --endpoint quarry --endpoint http://127.0.0.1:9001 --name peer --access-key K \\
    --secret-key S --server-pid 1234 --workload put-4k,get-4k --repeats 5 --html report.html
  quarry bench --workload get-4k --concurrency 1,8,32,128   # a sweep
  quarry bench --micro rpc,commit --seconds 3         # parts of Quarry, beside what else there is

Workloads: ${forms()}; all: ${allWorkloads}

Micro-benchmarks: ${microForms()}; all`;

interface Flags extends StartFlags, PlanFlags {
  readonly micro?: string;
  readonly keep?: true;
  readonly json?: true;
  readonly html?: string;
}

export function benchCommand(): Command {
  const command = new Command("bench").description("measure stores, side by side");
  const endpointFlags = withEndpointOptions(command);
  return command
    .option("--workload <names>", "what is done, as in put-4k,get-4k; all", usualWorkloads)
    .addOption(
      new Option(
        "--micro <names>",
        "parts of Quarry alone instead, as in rpc,commit; all",
      ).conflicts("endpoint"),
    )
    .option("--concurrency <counts>", "connections, as in 32 or 1,8,32 (as the workload has it)")
    .option("--seconds <n>", "of each measurement", "10")
    .option("--warm-up <seconds>", "not counted, before each measurement", "1")
    .option("--repeats <n>", "rounds; figures are their medians", "3")
    .option("--objects <n>", "objects for workloads that read or delete")
    .addOption(
      new Option("--client <name>", "what sends the requests of S3")
        .choices(["lean", "sdk", "autocannon"] satisfies ClientName[])
        .default("lean"),
    )
    .option("--sign-body", "sign the SHA-256 of bodies too (lean, autocannon)")
    .option("--bucket <name>", "made when it is not there", "quarry-bench")
    .option("--keep", "leave in other stores what was stored there")
    .option("--dir <folder>", "where stores that are started have their data", tmpdir())
    .option("--serve <flag...>", "more flags for quarry serve, as in --serve=--single-process", [])
    .option("--json", "print all figures as JSON")
    .option("--html <file>", "write the report with plots into this file")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: Flags) => {
      // Servers that were started here end with the process.
      for (const signal of ["SIGINT", "SIGTERM"])
        process.once(signal, () => process.exit(exitCodes.interrupted));
      const report = await measured(flags, endpointFlags);
      if (flags.html !== undefined) await writeFile(flags.html, reportHtml(report));
      console.log(flags.json ? JSON.stringify(report, null, 2) : reportText(report));
    });
}

async function measured(
  flags: Flags,
  endpointFlags: ReturnType<typeof withEndpointOptions>,
): Promise<Report> {
  if (flags.micro !== undefined)
    return await measureMicros(microsOf(flags.micro), paceFrom(flags), flags.dir);
  const endpoints = endpointsFrom(endpointFlags(), flags);
  return await measureEndpoints(endpoints, planFrom(flags), flags.keep === true);
}
