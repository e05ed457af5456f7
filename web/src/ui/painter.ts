/**
 * Paints at most once per frame, however often it is asked to.
 *
 * A hidden page gets no frames: requests then cost nothing, and the first frame after shows how things stand.
 */
export function painter(paint: () => void, painted: () => void): () => void {
  let asked = false;
  // A message posted in a frame arrives once that frame is on its way to the screen.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = painted;
  return () => {
    if (asked) {
      return;
    }
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      paint();
      port2.postMessage(undefined);
    });
  };
}
