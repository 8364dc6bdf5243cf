/**
 * The cases of GridFS's public specification, as facts in our own words: what is stored, what is done, what
 * must come of it. They are those of github.com/mongodb/specifications, commit 92b3c0b9: 39 in
 * source/gridfs/tests and 5 in source/unified-test-format/tests/valid-pass/poc-gridfs; `from` is the file
 * and the place of the case in it. The files themselves are not here: their licence (CC BY-NC-SA 3.0) is
 * not that of this repository.
 *
 * What speaks of the collections fs.files and fs.chunks is said of what stands for them here: the files
 * that `find` tells, the needles that are stored, and the rows that name them.
 */

export interface GivenFile {
  /** The last digit of its ObjectId; all others are 0. */
  readonly id: number;
  /** Hex, in chunks of 4 bytes. */
  readonly content: string;
  readonly filename?: string;
  /** Uploaded on this day of January 1970; default the first. */
  readonly day?: number;
  readonly contentType?: string;
}

export type Step =
  | { readonly do: "delete"; readonly id: number }
  | { readonly do: "deleteByName"; readonly filename: string }
  | { readonly do: "rename"; readonly id: number; readonly to: string }
  | { readonly do: "renameByName"; readonly filename: string; readonly to: string }
  | { readonly do: "download"; readonly id: number; readonly gives?: string }
  | {
      readonly do: "downloadByName";
      readonly filename: string;
      readonly revision?: number;
      readonly gives?: string;
    }
  | { readonly do: "upload"; readonly content: string; readonly metadata?: object };

/** What is done to what is stored, before the step. */
export type Harm =
  /** Beside a file of no bytes there is an empty chunk that only its upload knows. */
  | { readonly kind: "empty chunk"; readonly id: number }
  /** A chunk's needle is gone. */
  | { readonly kind: "missing"; readonly id: number; readonly chunk: number }
  /** Other needles are stored than the rows say; hex. */
  | { readonly kind: "wrong size"; readonly id: number; readonly needles: readonly string[] }
  /** Chunks are stored, and there is no file of them. */
  | { readonly kind: "no file"; readonly id: number };

export interface Case {
  readonly from: string;
  readonly what: string;
  readonly files: readonly GivenFile[];
  readonly harm?: Harm;
  readonly step: Step;
  readonly fails?: "no such file" | "wrong chunk";
  /** Files that are there afterwards, with their names; and no chunk but theirs. */
  readonly leaves?: Readonly<Record<number, string>>;
}

const ten = "112233445566778899aa";
const file = (id: number, length: number, filename = `length-${length}`): GivenFile => ({
  ...{ id, content: ten.slice(0, 2 * length), filename },
});

const forDelete = [file(1, 0), file(2, 0, "empty-chunk"), file(3, 2), file(4, 8)];
const forDownload = [...forDelete, file(5, 10), { id: 6, content: "1122" }];
const named = [file(1, 0, "filename"), file(2, 0, "filename"), file(3, 2, "filename")];
const forNames = [...named, file(4, 8, "other")];
const revisions = [1, 2, 3, 4, 5].map((day) => ({
  ...{ id: day, content: String(day * 11), filename: "abc", day },
}));
const forRename = [file(1, 0, "filename"), file(2, 0, "filename")];
const poc = [{ ...file(5, 10), contentType: "application/octet-stream" }];
const emptyChunk: Harm = { kind: "empty chunk", id: 2 };
const namesOf = (files: readonly GivenFile[], without: number[] = []) =>
  Object.fromEntries(
    files.flatMap(({ id, filename = "" }) => (without.includes(id) ? [] : [[id, filename]])),
  );

const deletes: Case[] = [
  ...[
    { what: "of no bytes", id: 1 },
    { what: "of no bytes, beside an empty chunk", id: 2, harm: emptyChunk },
    { what: "of 8 bytes", id: 4 },
  ].map(({ what, id, ...harm }, i) => ({
    ...{ from: `delete ${i + 1}`, what: `delete a file ${what}`, files: forDelete, ...harm },
    ...{ step: { do: "delete", id } as const, leaves: namesOf(forDelete, [id]) },
  })),
  {
    ...{ from: "delete 4", what: "delete what is not there", files: forDelete },
    ...{ step: { do: "delete", id: 0 }, fails: "no such file", leaves: namesOf(forDelete) },
  },
  {
    ...{ from: "delete 5", what: "delete what has chunks, and is no file", files: forDelete },
    ...{ harm: { kind: "no file", id: 4 }, step: { do: "delete", id: 4 }, fails: "no such file" },
    leaves: namesOf(forDelete, [4]),
  },
  {
    ...{ from: "deleteByName 1", what: "delete all revisions of a name", files: forNames },
    ...{ step: { do: "deleteByName", filename: "filename" }, leaves: { 4: "other" } },
  },
  {
    ...{ from: "deleteByName 2", what: "delete a name that is not there", files: forNames },
    ...{ step: { do: "deleteByName", filename: "missing-file" }, fails: "no such file" },
  },
];

const renames: Case[] = [
  {
    ...{ from: "rename 1", what: "rename one of two revisions", files: forRename },
    ...{ step: { do: "rename", id: 1, to: "new" }, leaves: { 1: "new", 2: "filename" } },
  },
  {
    ...{ from: "rename 2", what: "rename what is not there", files: forRename },
    ...{ step: { do: "rename", id: 3, to: "new" }, fails: "no such file" },
  },
  {
    ...{ from: "renameByName 1", what: "rename all revisions of a name", files: forNames },
    step: { do: "renameByName", filename: "filename", to: "new" },
    leaves: { 1: "new", 2: "new", 3: "new", 4: "other" },
  },
  {
    ...{ from: "renameByName 2", what: "rename a name that is not there", files: forNames },
    step: { do: "renameByName", filename: "missing-file", to: "new" },
    fails: "no such file",
  },
];

const download = (id: number, gives?: string) =>
  ({ do: "download", id, ...(gives !== undefined && { gives }) }) as const;
const wrong = (needles: string[]): Harm => ({ kind: "wrong size", id: 5, needles });
const missing = (chunk: number): Harm => ({ kind: "missing", id: 5, chunk });

const downloads: Case[] = (
  [
    { what: "a file of no bytes", step: download(1, "") },
    { what: "a file of no bytes, beside an empty chunk", step: download(2, ""), harm: emptyChunk },
    { what: "one chunk", step: download(3, "1122") },
    { what: "two chunks", step: download(4, "1122334455667788") },
    { what: "three chunks", step: download(5, ten) },
    { what: "what is not there", step: download(0), fails: "no such file" },
    { what: "without a chunk within", step: download(5), harm: missing(1), fails: "wrong chunk" },
    { what: "without its last chunk", step: download(5), harm: missing(2), fails: "wrong chunk" },
    {
      what: "with a chunk within of another size",
      ...{ step: download(5), harm: wrong(["11223344", "556677", "8899aa"]), fails: "wrong chunk" },
    },
    {
      what: "with a last chunk of another size",
      ...{ step: download(5), harm: wrong(["11223344", "55667788", "99"]), fails: "wrong chunk" },
    },
    { what: "a file without a name", step: download(6, "1122") },
  ] satisfies Omit<Case, "from" | "files">[]
).map((one, i) => ({ ...one, from: `download ${i + 1}`, files: forDownload }));

const byName = (filename: string, revision?: number, gives?: string): Step => ({
  ...({ do: "downloadByName", filename } as const),
  ...(revision !== undefined && { revision }),
  ...(gives !== undefined && { gives }),
});

const downloadsByName: Case[] = (
  [
    { what: "the newest, unless another is asked for", step: byName("abc", undefined, "55") },
    { what: "the oldest", step: byName("abc", 0, "11") },
    { what: "the second oldest", step: byName("abc", 1, "22") },
    { what: "the third oldest", step: byName("abc", 2, "33") },
    { what: "the newest but one", step: byName("abc", -2, "44") },
    { what: "the newest", step: byName("abc", -1, "55") },
    { what: "a name that is not there", step: byName("xyz"), fails: "no such file" },
    { what: "a revision that is not there", step: byName("abc", 999), fails: "no such file" },
  ] satisfies Omit<Case, "from" | "files">[]
).map((one, i) => ({ ...one, from: `downloadByName ${i + 1}`, files: revisions }));

const uploadOf = (length: number, more: { metadata?: object } = {}) =>
  ({ do: "upload", content: ten.slice(0, 2 * length), ...more }) as const;

const uploads: Case[] = [
  ...[0, 1, 3, 4, 5, 8].map((length, i) => ({
    ...{ from: `upload ${i + 1}`, what: `upload ${length} bytes`, files: [] },
    step: uploadOf(length),
  })),
  {
    ...{ from: "upload 7", what: "upload with metadata", files: [] },
    step: uploadOf(1, { metadata: { x: 1 } }),
  },
  // The option to do without MD5 is what is always done here.
  ...[0, 1].map((length, i) => ({
    ...{ from: `upload-disableMD5 ${i + 1}`, what: `upload ${length} bytes, no MD5`, files: [] },
    step: uploadOf(length),
  })),
];

const firstProof: Case[] = (
  [
    { what: "delete 10 bytes", step: { do: "delete", id: 5 }, leaves: {} },
    { what: "download three chunks", step: download(5, ten) },
    { what: "download what is not there", step: download(0), fails: "no such file" },
    {
      what: "download without a chunk within",
      ...{ step: download(5), harm: missing(1), fails: "wrong chunk" },
    },
    { what: "upload 5 bytes", step: uploadOf(5) },
  ] satisfies Omit<Case, "from" | "files">[]
).map((one, i) => ({ ...one, from: `poc-gridfs ${i + 1}`, files: poc }));

export const cases: readonly Case[] = [
  ...deletes,
  ...renames,
  ...downloads,
  ...downloadsByName,
  ...uploads,
  ...firstProof,
];
