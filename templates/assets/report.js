// Everything works without this script. With it, a picture opens in a viewer at its full size.
"use strict";
(() => {
  const viewer = document.querySelector("dialog.viewer");
  if (!viewer?.showModal) return;
  const frame = viewer.querySelector(".viewer-frame");
  const large = frame.appendChild(new Image());
  const told = viewer.querySelector("output");

  const open = (link, small) => {
    const caption = link.parentElement.querySelector("figcaption");
    large.src = small.src;
    large.alt = small.alt;
    told.textContent = caption?.textContent ?? "";
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
{
  const all = (query) => document.querySelectorAll(query);
  for (const text of all("pre.copied")) {
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
    for (const place of all(".scroll, .deciding > div, .comment")) {
      place.tabIndex = place.scrollWidth > place.clientWidth ? 0 : -1;
    }
  };
  for (const when of ["resize", "toggle"]) addEventListener(when, reach, true);
  reach();
  // how opaque the evidence is over the image: of all cases at once
  const sliders = [...all(".opacity")];
  for (const label of sliders) {
    label.hidden = false;
    label.addEventListener("input", ({ target }) => {
      for (const { control } of sliders) control.value = target.value;
      document.documentElement.style.setProperty("--evidence", target.value / 100);
    });
  }
  // the map's value under the pointer: the weighted mean over the scans of that over the patches that lie there
  const [data] = all("#report-data");
  const covers = (start, size, at) => start <= at && at < start + size;
  for (const view of data ? all(".views[data-case]") : []) {
    view.addEventListener("pointermove", ({ clientX, clientY }) => {
      data.measured ||= JSON.parse(data.textContent);
      const { size: [height, width], scans, weights, base_evidence: base, unit } = data.measured.cases[view.dataset.case].occlusion;
      const box = view.getBoundingClientRect();
      const row = Math.floor((clientY - box.top) / box.height * height), column = Math.floor((clientX - box.left) / box.width * width);
      const value = scans.reduce((sum, { patch: [tall, wide], row_starts, column_starts, evidence }, scan) => {
        const found = evidence.flatMap((line, y) => line.filter((one, x) => covers(row_starts[y], tall, row) && covers(column_starts[x], wide, column)));
        return sum + weights[scan] * found.reduce((change, one) => change + base - (one ?? NaN), 0) / found.length;
      }, 0);
      const told = isNaN(value) ? "not a number" : value.toFixed(3) + (unit === "bits" ? " bits" : "");
      view.nextElementSibling.textContent = `row ${row}, column ${column}: ${told}`;
    });
  }
  // B blinks between the image and the evidence over it
  const [image, evidence] = all("#shown-image, #shown-evidence");
  addEventListener("keydown", (event) => {
    if (event.key === "b" && evidence && !event.ctrlKey && !event.metaKey) (evidence.checked ? image : evidence).checked = true;
  });
}
