// Everything works without this script. With it, a picture opens in a viewer at its full size.
"use strict";
(() => {
  const viewer = document.querySelector("dialog.viewer");
  if (!viewer || !viewer.showModal) return;
  const frame = viewer.querySelector(".viewer-frame");
  const large = frame.querySelector("img");
  const told = viewer.querySelector("output");
  for (const link of document.querySelectorAll("a.enlarge")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const small = link.querySelector("img");
      const caption = link.parentElement.querySelector("figcaption");
      large.src = small.src;
      large.alt = small.alt;
      told.textContent = caption ? caption.textContent : "";
      viewer.showModal();
      // whole pixels: enlarge as often as it fits, never shrink
      const factor = Math.max(1, Math.floor(frame.clientWidth / large.naturalWidth));
      large.width = large.naturalWidth * factor;
      large.removeAttribute("height");
      link.addEventListener("focus", () => viewer.close(), { once: true });
    });
  }
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
})();
