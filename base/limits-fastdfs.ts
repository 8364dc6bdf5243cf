/** Maxima of the FastDFS faces: a part of `limits`. */

const KiB = 1024;

export const fastdfsLimits = {
  /** Of a request but the bytes of its file; metadata is the longest there is. */
  fastdfsFrameBytes: 96 * KiB,
  /** Open connections of one tracker or storage port, and how long one may ask nothing. */
  fastdfsConnections: 4096,
  fastdfsIdleMs: 3_600_000,
  /** FastDFS' own: of one name and one value of metadata, and of a group's name. */
  fastdfsMetaNameBytes: 64,
  fastdfsMetaValueBytes: 256,
  fastdfsGroupBytes: 16,
  fastdfsGroups: 64,
} as const;
