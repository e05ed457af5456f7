/** The browser's WebSocket, cut down to what the feed needs, so that tests can bring their own. */

export interface Handlers {
  message(data: unknown): void;
  closed(code: number): void;
}

export interface Socket {
  close(): void;
}

/** Opens `path` on the host that this page came from. */
export function openSocket(path: string, handlers: Handlers): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${path}`);
  socket.addEventListener("message", (event) => handlers.message(event.data));
  socket.addEventListener("close", (event) => handlers.closed(event.code));
  return socket;
}
