/** The browser's WebSocket, reduced to what the feed needs. Tests pass a fake. */

import { fromRoot } from "../root.ts";

export interface Handlers {
  message(data: unknown): void;
  closed(code: number, reason: string): void;
}

export interface Socket {
  close(): void;
}

/** Opens `path` on the server that served this page. */
export function openSocket(path: string, handlers: Handlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${fromRoot(path)}`);
  socket.addEventListener("message", (event) => handlers.message(event.data));
  socket.addEventListener("close", (event) => handlers.closed(event.code, event.reason));
  return socket;
}
