/** Version and upload ids as clients see them: opaque, of equal length, in the order of the log. */
import { QuarryError } from "../base/errors.ts";
import type { LogIndex, VersionSequence } from "../base/ids.ts";
import type { NameRow } from "./rows.ts";

/** How many sequences one command may draw. */
export const SEQUENCES_PER_COMMAND = 1024;

export function sequenceOf(index: LogIndex, i: number): VersionSequence {
  return (index * SEQUENCES_PER_COMMAND + i) as VersionSequence;
}

/** The command that drew a sequence. */
export function indexOf(sequence: number): LogIndex {
  return Math.floor(sequence / SEQUENCES_PER_COMMAND) as LogIndex;
}

export function sequenceText(sequence: number): string {
  return sequence.toString(16).padStart(14, "0");
}

/** The sequence behind an id, or undefined when the text is none. */
export function parseSequence(text: string): VersionSequence | undefined {
  if (!/^[0-9a-f]{14}$/.test(text)) return undefined;
  const value = Number.parseInt(text, 16);
  return Number.isSafeInteger(value) ? (value as VersionSequence) : undefined;
}

/** @throws QuarryError `InvalidArgument` for what is no version id. */
export function parseVersion(text: string): VersionSequence | "null" {
  if (text === "null") return "null";
  const sequence = parseSequence(text);
  if (sequence === undefined)
    throw new QuarryError("InvalidArgument", "this is no version id of this store");
  return sequence;
}

export function versionText(row: NameRow): string {
  return row.isNull === true ? "null" : sequenceText(row.seq);
}
