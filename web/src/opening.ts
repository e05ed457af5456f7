/**
 * The page's first question, a script of its own that runs before the page is parsed. An answer that comes later waits
 * until the page has been painted for the first time, which takes ten times as long as the answer.
 */

import { ownFetch } from "./own-fetch.ts";
import { isOpen, SESSION } from "./server/access.ts";
import { type Answer, request } from "./server/request.ts";

declare global {
  /** The answer to the question for the user; undefined with open access, which has no users. */
  var firstAnswer: Promise<Answer> | undefined;
}

if (!isOpen()) {
  globalThis.firstAnswer = request(ownFetch, SESSION);
}
