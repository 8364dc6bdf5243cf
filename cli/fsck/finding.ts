/** What checks find, for programs and in words. */
import { formatBytes, printable } from "../objects/printable.ts";

export type Finding =
  /** What is worth knowing, and no harm. */
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "problem"; readonly text: string }
  | {
      readonly kind: "damage";
      readonly path: string;
      readonly offset: number;
      readonly lengthBytes: number;
    }
  /** Bytes of it are on no device that was looked at. */
  | {
      readonly kind: "missing";
      readonly what: "object" | "old version" | "deleted object" | "part of an upload";
      readonly bucket: string;
      readonly key: string;
      readonly version: string;
      readonly lengthBytes: number;
      readonly missingBytes: number;
    }
  | {
      readonly kind: "unknown block";
      readonly path: string;
      readonly block: number;
      readonly needles: number;
    };

export type OnFinding = (finding: Finding) => void;

export function said(finding: Finding): string {
  switch (finding.kind) {
    case "note":
    case "problem":
      return finding.text;
    case "damage":
      return `${finding.path} is damaged: ${finding.lengthBytes} bytes at ${finding.offset}`;
    case "missing": {
      const { what, bucket, key, version, lengthBytes, missingBytes } = finding;
      return `s3://${printable(bucket)}/${printable(key)} (${what}, version ${version}): ${formatBytes(missingBytes)} of ${formatBytes(lengthBytes)} are missing`;
    }
    case "unknown block":
      return `${finding.path}: the metadata do not know block ${finding.block}, which holds ${finding.needles} needles`;
  }
}
