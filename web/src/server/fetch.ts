/** A request to the host that served this page: `fetch` in the page, a fake in the tests. */
export type Fetch = (path: string, init: RequestInit) => Promise<Response>;
