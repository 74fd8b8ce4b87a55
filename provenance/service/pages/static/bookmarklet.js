// Shows a frame around the picture under the pointer; a click sends its address, Escape ends it.
(() => {
  const frame = document.createElement("div");
  frame.style.cssText =
    "position:fixed;z-index:2147483647;pointer-events:none;outline:4px solid #e64814;background:#e6481422";
  document.body.append(frame);
  let image = null;
  const move = (event) => {
    image = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.tagName === "IMG");
    const box = image ? image.getBoundingClientRect() : { left: 0, top: 0, width: 0, height: 0 };
    for (const side of ["left", "top", "width", "height"]) frame.style[side] = `${box[side]}px`;
  };
  const end = () => {
    frame.remove();
    for (const [name, listener] of listeners) removeEventListener(name, listener, true);
  };
  const send = (event) => {
    event.preventDefault();
    event.stopPropagation();
    end();
    if (image) open(`ORIGIN/?url=${encodeURIComponent(image.currentSrc || image.src)}`);
  };
  const listeners = [["mousemove", move], ["click", send], ["keydown", (event) => event.key === "Escape" && end()]];
  for (const [name, listener] of listeners) addEventListener(name, listener, true);
})();
