/** Entry point of the API reference page. */

import { byId } from "../ui/dom.ts";
import { followTheme } from "../ui/theme.ts";
import { parseDocument } from "./document.ts";
import { view } from "./view.ts";

const SOURCE = "/api/openapi.json";

async function show(): Promise<void> {
  const main = byId("api", HTMLElement);
  try {
    const response = await fetch(SOURCE);
    const api = response.ok ? parseDocument(await response.json()) : undefined;
    if (!api) {
      throw new Error(`${SOURCE} answered ${response.status} and no OpenAPI 3.1 document`);
    }
    main.replaceChildren(...view(api, location.origin));
    // The browser looked for the address's fragment before the page had content.
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    main.textContent = `The API description could not be loaded: ${error}. Reload to try again.`;
  }
}

followTheme();
await show();
