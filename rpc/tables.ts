/** The services that travel. Their numbers are part of the protocol (docs/formats/rpc.md). */
import { limits } from "../base/limits.ts";
import type { BlockService } from "./block-service.ts";
import type { FoundingService } from "./founding-service.ts";
import type { GroupService } from "./group-service.ts";
import type { LivenessService } from "./liveness-service.ts";
import type { NameService } from "./name-service.ts";
import type { ServiceTable } from "./service-table.ts";
import type { WatchService } from "./watch-service.ts";

const SPAN = limits.checksumSpanBytes;

export const blockTable: ServiceTable<BlockService> = {
  name: "block",
  id: 1,
  methods: {
    devices: { id: 1 },
    blocks: { id: 2 },
    createBlock: { id: 3 },
    append: { id: 4, payload: "last argument" },
    read: {
      id: 5,
      answerPayload: "data",
      // the spans that the range touches
      answerBytes: ({ offset, lengthBytes }) =>
        (Math.ceil((offset + lengthBytes) / SPAN) - Math.floor(offset / SPAN)) * SPAN,
    },
    remove: { id: 6 },
    sealBlock: { id: 7 },
    needles: { id: 8 },
    compact: { id: 9 },
    switchGeneration: { id: 10 },
    retire: { id: 11 },
    report: { id: 12 },
    inventory: {
      id: 13,
      answerPayload: "rows",
      answerBytes: () => limits.inventoryBytes,
    },
    fetch: { id: 14, answerPayload: "data", answerBytes: () => limits.fetchBytes },
    rebuild: { id: 15 },
    rebuilds: { id: 16 },
    records: {
      id: 17,
      answerPayload: "data",
      answerBytes: (_, __, lengthBytes) => lengthBytes,
    },
    readStripe: {
      id: 24,
      answerPayload: "data",
      answerBytes: ({ lengthBytes }) => lengthBytes,
    },
    stage: { id: 25, payload: "last argument" },
    finishStage: { id: 26 },
    dropStage: { id: 27 },
    convert: { id: 28 },
    staged: { id: 29 },
  },
};

export const nameTable: ServiceTable<NameService> = {
  name: "name",
  id: 2,
  methods: {
    execute: { id: 1 },
    bucket: { id: 2 },
    buckets: { id: 3 },
    lookup: { id: 4 },
    chunks: { id: 5 },
    list: { id: 6 },
    uploads: { id: 7 },
    parts: { id: 8 },
    leaseBlobs: { id: 9 },
    openBlocks: { id: 10 },
    locate: { id: 11 },
    reportBlock: { id: 12 },
    deleted: { id: 13 },
    access: { id: 14 },
    user: { id: 15 },
    users: { id: 16 },
    objectParts: { id: 17 },
    versions: { id: 18 },
    openSession: { id: 19 },
    closeSession: { id: 20 },
    clusterMap: { id: 21 },
    deviceStates: { id: 22 },
    health: { id: 23 },
    capacity: { id: 24 },
    healing: { id: 25 },
    blockHealth: { id: 26 },
    placementGroups: { id: 27 },
    streams: { id: 28 },
    reportNeedle: { id: 30 },
    statePiece: {
      id: 40,
      answerPayload: "bytes",
      answerBytes: () => limits.raftSnapshotPieceBytes,
    },
  },
};

export const groupTable: ServiceTable<GroupService> = {
  name: "group",
  id: 3,
  methods: {
    deliver: { id: 1, payload: "last argument" },
    status: { id: 2 },
    admit: { id: 3 },
    changeMember: { id: 4 },
    transfer: { id: 5 },
    exchange: {
      id: 6,
      payload: "last argument",
      answerPayload: "batch",
      answerBytes: () => limits.rpcInlineBytes,
    },
  },
};

export const watchTable: ServiceTable<WatchService> = {
  name: "watch",
  id: 4,
  methods: {
    changes: { id: 1 },
    entries: { id: 2 },
  },
};

export const livenessTable: ServiceTable<LivenessService> = {
  name: "liveness",
  id: 5,
  methods: { heartbeat: { id: 1 } },
};

export const foundingTable: ServiceTable<FoundingService> = {
  name: "founding",
  id: 6,
  methods: { meet: { id: 1 } },
};
