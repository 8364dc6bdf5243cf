/** The Range header: one range of bytes. What is not understood, or names several, is no range. */

export type ByteRange =
  | { readonly kind: "from"; readonly first: number; readonly last: number | undefined }
  | { readonly kind: "suffix"; readonly lengthBytes: number };

const form = /^bytes=(\d{0,15})-(\d{0,15})$/;

export function parseRange(text: string | undefined): ByteRange | undefined {
  if (text === undefined) return undefined;
  const match = form.exec(text.replaceAll(" ", "").toLowerCase());
  const [, first = "", last = ""] = match ?? [];
  if (match === null || (first === "" && last === "")) return undefined;
  if (first === "") return { kind: "suffix", lengthBytes: Number(last) };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { kind: "from", first: Number(first), last: last === "" ? undefined : Number(last) };
}

/** The bytes of an object of this length that a range means, or "unsatisfiable". */
export function resolveRange(
  range: ByteRange,
  objectBytes: number,
): { readonly offset: number; readonly lengthBytes: number } | "unsatisfiable" {
  if (range.kind === "suffix") {
    const lengthBytes = Math.min(range.lengthBytes, objectBytes);
    return lengthBytes === 0 ? "unsatisfiable" : { offset: objectBytes - lengthBytes, lengthBytes };
  }
  if (range.first >= objectBytes) return "unsatisfiable";
  const last = Math.min(range.last ?? objectBytes - 1, objectBytes - 1);
  return { offset: range.first, lengthBytes: last - range.first + 1 };
}

/** Where reading will begin, as far as the header alone tells; negative: from the end. */
export function firstOffset(range: ByteRange | undefined): number {
  if (range === undefined) return 0;
  if (range.kind === "from") return range.first;
  return range.lengthBytes === 0 ? 0 : -range.lengthBytes;
}
