/** Where a browser goes after an upload. Pure. */
import { encodeText } from "../percent.ts";

export interface Stored {
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
}

/**
 * The address with what was stored behind it; undefined for what is no address of the web. What a
 * URL holds once it is parsed is ASCII without control characters, so it can stand in a header.
 */
export function redirectTo(address: string, { bucket, key, etag }: Stored): string | undefined {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  const said = `bucket=${encodeText(bucket)}&key=${encodeText(key)}&etag=${encodeText(`"${etag}"`)}`;
  url.search = url.search === "" ? said : `${url.search}&${said}`;
  return url.href;
}
