/** A small line chart of the last minute. */

/** Draws `values`, oldest first, from left to right in the canvas's text colour. Zero is at the bottom. */
export function drawSparkline(canvas: HTMLCanvasElement, values: readonly number[], points: number): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  const context = canvas.getContext("2d");
  if (!context || width === 0) {
    return;
  }
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  context.clearRect(0, 0, width, height);
  const max = Math.max(1, ...values);
  const line = ratio * 1.5;
  context.beginPath();
  for (const [index, value] of values.entries()) {
    const x = width * (1 - (values.length - 1 - index) / (points - 1));
    context.lineTo(x, height - line / 2 - (value / max) * (height - line));
  }
  context.lineWidth = line;
  context.lineJoin = "round";
  context.strokeStyle = getComputedStyle(canvas).color;
  context.stroke();
}
