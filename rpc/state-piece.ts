/** The state of a nameserver on its way, in pieces: what backups are made of. */

/** Absent `reading`: begins one, of the state as it is now. */
export interface StatePieceRequest {
  readonly reading?: number;
  /** Behind the last piece, or that piece once more. */
  readonly offset: number;
}

export interface StatePiece {
  readonly reading: number;
  readonly offset: number;
  /** The last piece of a reading may be empty. */
  readonly bytes: Uint8Array;
  readonly last: boolean;
}
