/**
 * A file of holes in the folder of a device. Its length counts as used (dataserver/part-of-disk.ts), so
 * that the device is as full as is wanted, and the disk of the machine is not.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { bytesIn } from "../dataserver/part-of-disk.ts";

const pathOf = (device: string) => join(device, "ballast");

/** Leaves `freeBytes` free of `capacityBytes`; false when so much is not free anyway. */
export async function loadBallast(
  device: string,
  capacityBytes: number,
  freeBytes: number,
): Promise<boolean> {
  await dropBallast(device);
  const ballastBytes = capacityBytes - freeBytes - (await bytesIn(device));
  if (ballastBytes < 0) return false;
  await using file = await open(pathOf(device), "w", 0o600);
  await file.truncate(ballastBytes);
  return true;
}

export async function dropBallast(device: string): Promise<void> {
  await rm(pathOf(device), { force: true });
}
