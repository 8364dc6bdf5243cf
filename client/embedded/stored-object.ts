/** An object as it was when it was asked for: what is known of it, and its bytes. */
import type { OpenObject } from "../store.ts";
import { type ObjectStat, statOf } from "./description.ts";
import { StoredContent } from "./stored-content.ts";

export class StoredObject extends StoredContent {
  readonly stat: ObjectStat;

  constructor(opened: OpenObject) {
    super(opened.object.lengthBytes, opened);
    this.stat = statOf(opened.object);
  }
}
