/**
 * How safe a scheme is: the probability that an object is lost within a year, when devices fail
 * independently and what they held is rebuilt elsewhere.
 *
 * Lost pieces are a birth-death chain: with i of n pieces lost, the next is lost at rate (n - i)·λ
 * and one comes back at rate i·μ; m + 1 lost is the end. The mean time from i to i + 1 lost is
 * e(i) = (1 + i·μ·e(i - 1)) / ((n - i)·λ), and that to the end e(0) + … + e(m).
 */
import { QuarryError } from "../base/errors.ts";
import { pieceCount, type Scheme } from "./scheme.ts";

const HOURS_A_YEAR = 365.25 * 24;

export interface FailureModel {
  /** Part of all devices that fails in a year, 0 … 1 (both excluded). */
  readonly failuresAYear: number;
  /** Mean time from a device's failure until its pieces are rebuilt. */
  readonly repairHours: number;
}

export interface Durability {
  /** Bytes stored for each byte of data. */
  readonly overhead: number;
  readonly survivableLosses: number;
  readonly devices: number;
  readonly lossProbabilityAYear: number;
  /** How many nines the probability of keeping an object for a year has: 11 is 99.999999999 %. */
  readonly nines: number;
}

export function durabilityOf(scheme: Scheme, model: FailureModel): Durability {
  const { failuresAYear, repairHours } = model;
  if (!(failuresAYear > 0 && failuresAYear < 1))
    throw invalid(
      `a failure rate of ${failuresAYear} a year cannot be; give a part between 0 and 1`,
    );
  if (!(repairHours > 0 && Number.isFinite(repairHours)))
    throw invalid(`a repair time of ${repairHours} hours cannot be; give more than 0`);
  const failureRate = -Math.log1p(-failuresAYear) / HOURS_A_YEAR;
  const devices = pieceCount(scheme);
  let step = 0;
  let hoursToLoss = 0;
  for (let lost = 0; lost <= scheme.parity; lost++) {
    step = (1 + (lost / repairHours) * step) / ((devices - lost) * failureRate);
    hoursToLoss += step;
  }
  const lossProbabilityAYear = -Math.expm1(-HOURS_A_YEAR / hoursToLoss);
  return {
    overhead: devices / scheme.data,
    survivableLosses: scheme.parity,
    devices,
    lossProbabilityAYear,
    nines: -Math.log10(lossProbabilityAYear),
  };
}

function invalid(message: string): QuarryError {
  return new QuarryError("InvalidArgument", message);
}
