/** The fields of a form up to its file, which must be the last that counts. */
import { limits } from "../../base/limits.ts";
import { S3Error } from "../s3/errors.ts";
import { boundaryOf, MultipartReader } from "./multipart.ts";
import { parsePartHead, textOf } from "./part-head.ts";

export interface Form {
  /** By name in lower case, `${filename}` replaced. */
  readonly fields: ReadonlyMap<string, string>;
  /** The bytes of the file, read once. */
  readonly file: AsyncIterable<Uint8Array>;
}

/** Fields whose text is signed or signs: it is taken as it is. */
const verbatim = new Set(["policy", "signature", "x-amz-signature"]);

/** Stands in any field for the name of the file. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: no template, but a text that forms have
const FILENAME = "${filename}";

export async function readForm(
  contentType: string | undefined,
  body: AsyncIterator<Uint8Array, unknown>,
): Promise<Form> {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined)
    throw new S3Error(
      "PreconditionFailed",
      "A POST on a bucket is a form: its Content-Type must be multipart/form-data with a boundary.",
      { Condition: "Bucket POST must be of the enclosure-type multipart/form-data" },
    );
  const reader = new MultipartReader(body, boundary);
  await reader.begin();
  const fields = new Map<string, string>();
  for (;;) {
    const head = await reader.nextHead();
    if (head === undefined) throw new S3Error("IncorrectNumberOfFilesInPostRequest");
    const { name, filename } = parsePartHead(head);
    if (name === "file") return { fields: withFilename(fields, filename), file: reader.file() };
    if (fields.has(name))
      throw new S3Error("InvalidArgument", "A field of the form stands twice.", {
        ArgumentName: name,
      });
    if (fields.size >= limits.formFields) throw new S3Error("MaxPostPreDataLengthExceeded");
    fields.set(name, textOf(await reader.text()));
  }
}

function withFilename(
  fields: ReadonlyMap<string, string>,
  filename: string,
): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of fields)
    all.set(name, verbatim.has(name) ? value : value.replaceAll(FILENAME, () => filename));
  return all;
}
