/**
 * Returns a function that requests a paint. Any number of requests cause one paint in the next frame.
 *
 * A hidden page gets no frames, so requests cost nothing until it is shown again.
 */
export function painter(paint: () => void, painted: () => void): () => void {
  let requested = false;
  // A message posted in a frame arrives after that frame was handed to the screen.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = painted;
  return () => {
    if (requested) {
      return;
    }
    requested = true;
    requestAnimationFrame(() => {
      requested = false;
      paint();
      port2.postMessage(undefined);
    });
  };
}
