// Everything works without this script. With it, a picture opens in a viewer at its full size, and the pointer tells the
// channel of a feature map.
"use strict";
(() => {
  const viewer = document.querySelector("dialog.viewer");
  if (!viewer || !viewer.showModal) return;
  const frame = viewer.querySelector(".viewer-frame");
  const large = frame.querySelector("img");
  const told = viewer.querySelector("output");
  let opened = null;

  // which channel lies under the pointer; empty in a gap
  const channelAt = (link, image, event) => {
    if (!link.dataset.tiles) return "";
    const [count, columns, height, width, gap] = link.dataset.tiles.split(" ").map(Number);
    const x = event.offsetX * image.naturalWidth / image.clientWidth;
    const y = event.offsetY * image.naturalHeight / image.clientHeight;
    const column = Math.floor(x / (width + gap));
    const channel = Math.floor(y / (height + gap)) * columns + column;
    const inside = x % (width + gap) < width && y % (height + gap) < height && column < columns;
    return inside && channel >= 0 && channel < count ? `channel ${channel}` : "";
  };

  const open = (link, small) => {
    const caption = link.parentElement.querySelector("figcaption");
    opened = link;
    large.src = small.src;
    large.alt = small.alt;
    told.textContent = told.dataset.caption = caption ? caption.textContent : "";
    viewer.showModal();
    // whole pixels: as large as it fits, never smaller than it is
    large.width = small.naturalWidth * Math.max(1, Math.floor(frame.clientWidth / small.naturalWidth));
  };

  for (const link of document.querySelectorAll("a.enlarge")) {
    const small = link.querySelector("img");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(link, small);
    });
    if (link.dataset.tiles) {
      small.addEventListener("pointermove", (event) => { link.title = channelAt(link, small, event) || "Enlarge"; });
    }
  }
  large.addEventListener("pointermove", (event) => {
    const channel = opened ? channelAt(opened, large, event) : "";
    told.textContent = channel ? `${channel} · ${told.dataset.caption}` : told.dataset.caption;
  });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
})();

// a button that copies what stands above it; where the browser refuses, the text is selected
(() => {
  for (const text of document.querySelectorAll("pre.copied")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${text.getAttribute("aria-label")}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(text);
        button.textContent = "Selected";
      }
    });
    text.after(button);
  }
})();
