/** The micro-benchmarks by name. A new one is a file here and a line in `micros`. */
import { QuarryError } from "../../../base/errors.ts";
import { append } from "./append.ts";
import { commit } from "./commit.ts";
import { crush } from "./crush.ts";
import { erasure } from "./erasure.ts";
import { index } from "./index-find.ts";
import { list } from "./list.ts";
import type { Micro } from "./micro.ts";
import { rpc } from "./rpc.ts";
import { sigv4 } from "./sigv4.ts";

const micros: Readonly<Record<string, Micro>> = {
  ...{ rpc, append, index, commit, list, crush, erasure, sigv4 },
};

export function microsOf(names: string): Micro[] {
  if (names === "all") return Object.values(micros);
  return names.split(",").map((name) => {
    const micro = Object.hasOwn(micros, name) ? micros[name] : undefined;
    if (micro !== undefined) return micro;
    throw new QuarryError(
      "InvalidArgument",
      `no micro-benchmark ${name}: there are ${microForms()}`,
    );
  });
}

export function microForms(): string {
  return Object.entries(micros)
    .map(([name, { what }]) => `${name} (${what})`)
    .join(", ");
}
