// Everything works without this script. With it, a picture opens in a viewer at its full size.
"use strict";
(() => {
  const viewer = document.querySelector("dialog.viewer");
  if (!viewer || !viewer.showModal) return;
  const frame = viewer.querySelector(".viewer-frame");
  const large = frame.appendChild(new Image());
  const told = viewer.querySelector("output");

  const open = (link, small) => {
    const caption = link.parentElement.querySelector("figcaption");
    large.src = small.src;
    large.alt = small.alt;
    told.textContent = caption ? caption.textContent : "";
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
  }
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
})();

// a button that copies what stands above it; where the browser refuses, the text is selected
(() => {
  for (const text of document.querySelectorAll("pre.copied")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.ariaLabel = `Copy: ${text.ariaLabel}`;
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
  // what is wider than its place is scrolled, by keyboard as well: such a place can be reached, others are no stop
  const reach = () => {
    for (const place of document.querySelectorAll(".scroll, .deciding > div, .comment")) {
      place.tabIndex = place.scrollWidth > place.clientWidth ? 0 : -1;
    }
  };
  for (const when of ["resize", "toggle"]) addEventListener(when, reach, true);
  reach();
  // B blinks between the image and the evidence over it
  const [image, evidence] = ["shown-image", "shown-evidence"].map((id) => document.getElementById(id));
  document.addEventListener("keydown", (event) => {
    if (event.key === "b" && evidence && !event.ctrlKey && !event.metaKey) (evidence.checked ? image : evidence).checked = true;
  });
})();
