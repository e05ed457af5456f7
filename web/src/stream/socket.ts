/** The browser's WebSocket, reduced to what the feed needs. Tests pass a fake. */

export interface Handlers {
  message(data: unknown): void;
  closed(code: number): void;
}

export interface Socket {
  close(): void;
}

/** Opens `path` on the host that served this page. */
export function openSocket(path: string, handlers: Handlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${path}`);
  socket.addEventListener("message", (event) => handlers.message(event.data));
  socket.addEventListener("close", (event) => handlers.closed(event.code));
  return socket;
}
