/** Requests of this page to its own server. */

import { fromRoot } from "./root.ts";
import { type Fetch, withoutRedirects } from "./server/fetch.ts";

/** `fetch` for the server's paths, wherever a proxy in front serves them. */
export const ownFetch: Fetch = withoutRedirects((path, init) => fetch(fromRoot(path), init));
