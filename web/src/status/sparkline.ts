/** A line of the last minute, small enough to stand in a line of text. */

/** Draws `values`, oldest first, from left to right in the colour of the canvas's text; 0 is at the bottom. */
export function drawSparkline(canvas: HTMLCanvasElement, values: readonly number[], room: number): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  const pen = canvas.getContext("2d");
  if (!pen || width === 0) {
    return;
  }
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  pen.clearRect(0, 0, width, height);
  const most = Math.max(1, ...values);
  const line = ratio * 1.5;
  pen.beginPath();
  for (const [index, value] of values.entries()) {
    const x = width * (1 - (values.length - 1 - index) / (room - 1));
    pen.lineTo(x, height - line / 2 - (value / most) * (height - line));
  }
  pen.lineWidth = line;
  pen.lineJoin = "round";
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.stroke();
}
