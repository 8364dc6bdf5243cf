/** `quarry erasure plan`: what schemes cost and how safe they are, side by side. */
import { durabilityOf, type FailureModel } from "../../erasure/durability.ts";
import { type Scheme, showScheme } from "../../erasure/scheme.ts";

export const PLAN_SCHEMES = ["1+2", "2+1", "4+2", "6+3", "8+3", "8+4", "10+4", "12+4", "17+3"];

/** A table, one line a scheme. */
export function planTable(schemes: readonly Scheme[], model: FailureModel): string {
  const rows = schemes.map((scheme) => {
    const found = durabilityOf(scheme, model);
    return [
      showScheme(scheme),
      String(found.devices),
      `${found.overhead.toFixed(2)}×`,
      String(found.survivableLosses),
      found.nines.toFixed(1),
      found.lossProbabilityAYear.toExponential(1),
    ];
  });
  const head = ["scheme", "devices", "stored", "may lose", "nines", "loss a year"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ");
  return [head, ...rows].map(line).join("\n");
}
