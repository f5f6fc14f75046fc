// The channel viewer: a tile of a grid opens as that channel of all cases, large, on one scale, over the input, with its
// numbers. Nothing is fetched: the tile is cut out of the grid, and its colours are read back by the grid's own palette.
"use strict";
(() => {
  const dialog = document.querySelector("dialog.channel");
  if (!dialog || !dialog.showModal) return;
  const LEVELS = 253;
  const find = (query) => dialog.querySelector(query);
  const name = find(".channel-name"), told = find(".channel-value"), slider = find(".channel-opacity");
  const ownBox = find(".channel-own"), table = find(".channel-numbers"), body = find(".channel-body");
  const panels = [...dialog.querySelectorAll(".channel-case")];
  const drawing = document.querySelector("#layers").dataset;
  const data = document.getElementById("report-data");
  let report = null;
  let at = { layer: 0, channel: 0 }, wanted = 0, opener = null, turn = 0;

  // layers in the order of the page, each with its grids by case
  const layers = [];
  for (const link of document.querySelectorAll("a[data-place]")) {
    const { place, layer, tiles } = link.dataset;
    const [count, columns, height, width, gap] = tiles.split(" ").map(Number);
    const found = layers[place] ||= { place: Number(place), name: layer, count, grids: [] };
    found.grids[link.dataset.case] = { link, image: link.querySelector("img"), count, columns, height, width, gap };
  }
  const order = layers.filter(Boolean).sort((one, other) => one.place - other.place);
  if (!order.length) return;

  const tileOf = (grid, channel) => ({
    x: channel % grid.columns * (grid.width + grid.gap), y: Math.floor(channel / grid.columns) * (grid.height + grid.gap),
  });
  // null where the last row has no tile
  const channelUnder = (grid, event) => {
    const box = grid.image.getBoundingClientRect();
    const x = (event.clientX - box.left) * grid.image.naturalWidth / box.width;
    const y = (event.clientY - box.top) * grid.image.naturalHeight / box.height;
    const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(x / (grid.width + grid.gap))));
    const channel = Math.max(0, Math.floor(y / (grid.height + grid.gap))) * grid.columns + column;
    return channel < grid.count ? channel : null;
  };

  // --- numbers

  const measures = (place, number) => {
    if (!report && data) report = JSON.parse(data.textContent);
    const found = report && report.cases[number].layers[place];
    return found ? found : null;
  };
  const number = (value) => typeof value === "number"
    ? String(Number(value.toPrecision(4))).replace("-", "\u2212") : value === null ? "\u2013" : "not a number";

  // which values the grid drew darkest and brightest: as figures/grids.py chose them; null where that isn't known
  const drawnRange = (place, cases, channel) => {
    const all = cases.map((one) => measures(place, one));
    if (all.some((one) => !one)) return null;
    const of = (key) => all.map((one) => one.statistics[key][channel]);
    let low, high;
    if (drawing.scale === "standardized") {
      const means = of("mean"), spreads = of("standard_deviation");
      const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
      const square = means.reduce((sum, value, one) => sum + spreads[one] ** 2 + (value - mean) ** 2, 0) / means.length;
      [low, high] = [mean - 2 * Math.sqrt(square), mean + 127 / 64 * Math.sqrt(square)];
    } else if (drawing.scale === "shared") {
      [low, high] = [Math.min(...all.map((one) => one.minimum)), Math.max(...all.map((one) => one.maximum))];
    } else {
      [low, high] = [Math.min(...of("minimum")), Math.max(...of("maximum"))];
    }
    const known = of("minimum").concat(of("maximum"), [low, high]).every((one) => typeof one === "number" && isFinite(one));
    return known ? [low, high] : null;
  };

  // --- pixels

  // the palette of a PNG in the page: its chunk PLTE follows the header
  const palettes = new Map();
  const paletteOf = (image) => {
    const [start, text] = image.src.split(",", 2);
    if (!start.startsWith("data:image/png") || !text) return null;
    const bytes = Uint8Array.from(atob(text.slice(0, 1200)), (letter) => letter.charCodeAt(0));
    if (String.fromCharCode(...bytes.subarray(37, 41)) !== "PLTE") return null;
    const key = bytes.subarray(41, 41 + 3 * LEVELS).join();
    if (!palettes.has(key)) {
      const levels = new Map(), colours = [];
      for (let level = 0; level < LEVELS; level++) {
        const [red, green, blue] = bytes.subarray(41 + 3 * level, 44 + 3 * level);
        colours.push([red, green, blue]);
        if (!levels.has(red << 16 | green << 8 | blue)) levels.set(red << 16 | green << 8 | blue, level);
      }
      palettes.set(key, { levels, colours });
    }
    return palettes.get(key);
  };

  // the tile on a canvas of its own size; its values as far as colours can be read back
  const cut = (grid, channel, range) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [grid.width, grid.height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const { x, y } = tileOf(grid, channel);
    context.drawImage(grid.image, x, y, grid.width, grid.height, 0, 0, grid.width, grid.height);
    const palette = range && paletteOf(grid.image);
    if (!palette) return { canvas };
    const pixels = context.getImageData(0, 0, grid.width, grid.height).data;
    const values = new Float64Array(grid.width * grid.height);
    for (let i = 0; i < values.length; i++) {
      const level = palette.levels.get(pixels[4 * i] << 16 | pixels[4 * i + 1] << 8 | pixels[4 * i + 2]);
      values[i] = level === undefined || !pixels[4 * i + 3] ? NaN : range[0] + (range[1] - range[0]) * level / (LEVELS - 1);
    }
    return { canvas, values, palette };
  };

  const paint = (tile, [low, high]) => {
    const { canvas, values, palette } = tile;
    const context = canvas.getContext("2d");
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    values.forEach((value, i) => {
      if (isNaN(value)) return; // crossed out, or no number: stays as it is
      const share = high > low ? (value - low) / (high - low) : 0;
      const colour = palette.colours[Math.round(Math.min(1, Math.max(0, share)) * (LEVELS - 1))];
      picture.data.set(colour, 4 * i);
    });
    context.putImageData(picture, 0, 0);
  };

  const copy = (from, to) => {
    [to.width, to.height] = [from.width, from.height];
    to.getContext("2d").drawImage(from, 0, 0);
  };
  // over the input: the weaker a response, the more of the input is seen
  const thin = (canvas, values, [low, high]) => {
    const context = canvas.getContext("2d");
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    values.forEach((value, i) => {
      if (!isNaN(value)) picture.data[4 * i + 3] = high > low ? 255 * Math.sqrt(Math.max(0, (value - low) / (high - low))) : 0;
    });
    context.putImageData(picture, 0, 0);
  };

  // --- one channel

  const show = async () => {
    const mine = ++turn;
    const layer = order[at.layer], channel = at.channel, place = layer.place;
    const shown = panels.filter((panel) => layer.grids[panel.dataset.case]);
    await Promise.all(shown.map((panel) => layer.grids[panel.dataset.case].image.decode().catch(() => null)));
    if (mine !== turn) return;
    const cases = shown.map((panel) => Number(panel.dataset.case));
    const ranges = cases.map((one) => drawnRange(place, drawing.range === "cases" ? cases : [one], channel));
    const real = cases.map((one) => {
      const { minimum, maximum } = measures(place, one)?.statistics || { minimum: [], maximum: [] };
      return [minimum[channel], maximum[channel]];
    });
    const tiles = cases.map((one, i) => cut(layer.grids[one], channel, ranges[i]));
    const readable = tiles.every((tile) => tile.values);
    const common = readable ? [Math.min(...ranges.map((one) => one[0])), Math.max(...ranges.map((one) => one[1]))] : null;
    const own = readable && ownBox?.checked;
    if (ownBox) ownBox.disabled = !readable;
    shown.forEach((panel, i) => {
      const scale = own ? real[i] : common;
      if (readable) paint(tiles[i], scale);
      const [alone, over] = panel.querySelectorAll("canvas");
      copy(tiles[i].canvas, alone);
      copy(tiles[i].canvas, over);
      if (readable) thin(over, tiles[i].values, scale);
      alone.setAttribute("aria-label", `${panel.querySelector("h3").textContent}, ${layer.name}, channel ${channel}`
        + (readable ? `: ${number(real[i][0])} to ${number(real[i][1])}` : ""));
      alone.parentElement.style.setProperty("--ratio", alone.width / alone.height);
      panel.values = tiles[i].values;
      const bar = panel.querySelector(".own-range i");
      bar.parentElement.hidden = !readable;
      if (readable) {
        const share = (value) => common[1] > common[0] ? 100 * (value - common[0]) / (common[1] - common[0]) : 0;
        const [from, to] = real[i].map((value) => Math.min(100, Math.max(0, share(value))));
        bar.style.left = `${from}%`;
        bar.style.width = `${Math.max(0.5, to - from)}%`;
      }
    });
    name.textContent = `${layer.name} / ${channel}`;
    const grid = layer.grids[cases[0]];
    find(".channel-about").textContent = `channel ${channel} of ${layer.count} (0 to ${layer.count - 1}), ${grid.height} × ${grid.width}`;
    told.textContent = "";
    const strip = find(".channel-range");
    strip.hidden = !readable;
    if (readable) {
      const context = strip.querySelector("canvas").getContext("2d");
      tiles[0].palette.colours.forEach((colour, x) => {
        context.fillStyle = `rgb(${colour.join()})`;
        context.fillRect(x, 0, 1, 1);
      });
      find(".channel-low").textContent = own ? "each minimum" : number(common[0]);
      find(".channel-high").textContent = own ? "each maximum" : number(common[1]);
    }
    fill(place, cases, channel);
    for (const button of dialog.querySelectorAll("[data-walk]")) {
      const [across, down] = button.dataset.walk.split(" ").map(Number);
      button.setAttribute("aria-disabled", String(!reach(across, down)));
    }
  };

  const fill = (place, cases, channel) => {
    const all = cases.map((one) => measures(place, one));
    table.hidden = all.some((one) => !one);
    if (table.hidden) return;
    for (const row of table.querySelectorAll("[data-measure]")) {
      [...row.cells].slice(1).forEach((cell, i) => {
        const { statistics, dead_channels: dead, not_finite_channels: lost } = all[i];
        cell.textContent = row.dataset.measure !== "state" ? number(statistics[row.dataset.measure][channel])
          : lost.includes(channel) ? "not in numbers" : dead.includes(channel) ? "dead: one value everywhere" : "yes";
      });
    }
  };

  // --- walking

  const reach = (across, down) => {
    const layer = at.layer + down;
    if (!order[layer]) return null;
    const channel = across ? at.channel + across : Math.min(wanted, order[layer].count - 1);
    return channel >= 0 && channel < order[layer].count ? { layer, channel } : null;
  };
  const address = () => `#${encodeURIComponent(order[at.layer].name).replaceAll("%2F", "/")}/${at.channel}`;
  const walk = (across, down) => {
    const next = reach(across, down);
    if (!next) return;
    at = next;
    if (across) wanted = at.channel;
    history.replaceState(history.state, "", address());
    show();
  };

  const unfold = () => { if (!dialog.open) { dialog.showModal(); body.focus(); } };
  const open = (layer, channel, from) => {
    at = { layer, channel };
    wanted = channel;
    opener = from;
    for (const panel of panels) {
      const source = document.querySelector(`img[data-name="${panel.dataset.input}"]`), pane = panel.querySelector(".over");
      if (!source || pane.querySelector("img")) continue;
      const image = document.createElement("img");
      [image.src, image.alt] = [source.src, source.alt];
      pane.prepend(image);
      pane.style.setProperty("--ratio", source.getAttribute("width") / source.getAttribute("height") || 1);
    }
    veil();
    unfold();
    return show();
  };

  // a folded layer that an address or a link leads to
  const unroll = (inside) => inside?.closest("details.folded")?.setAttribute("open", "");
  const named = () => { try { return document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return null; } };

  // an address such as #conv2d_3/17
  const parse = () => {
    const slash = location.hash.lastIndexOf("/");
    if (slash < 1 || !/^\d{1,6}$/.test(location.hash.slice(slash + 1))) return null;
    let wantedName;
    try { wantedName = decodeURIComponent(location.hash.slice(1, slash)); } catch { return null; }
    const layer = order.findIndex((one) => one.name === wantedName);
    const channel = Number(location.hash.slice(slash + 1));
    return layer >= 0 && channel < order[layer].count ? { layer, channel } : null;
  };
  const follow = (event) => {
    const found = parse();
    if (!found) {
      if (dialog.open) dialog.close();
      unroll(named());
    } else if (!dialog.open || found.layer !== at.layer || found.channel !== at.channel) {
      // a link led here: Back is where it stands
      if (event && !history.state?.channel) history.replaceState({ channel: true }, "");
      open(found.layer, found.channel, dialog.open ? opener : document.activeElement.closest("a"));
    }
  };

  dialog.addEventListener("close", () => {
    turn++;
    const link = opener || Object.values(order[at.layer].grids)[0].link;
    unroll(link);
    if (parse()) {
      if (history.state?.channel) history.back();
      else history.replaceState(null, "", `#${link.closest("[id]").id}`);
    }
    link.focus({ preventScroll: Boolean(opener) });
  });
  addEventListener("popstate", follow);

  for (const layer of order) {
    layer.grids.forEach((grid) => {
      const { link } = grid;
      const mark = document.createElement("span");
      mark.className = "tile-mark";
      mark.hidden = true;
      link.append(mark);
      let chosen = 0;
      const point = (channel) => {
        chosen = channel;
        const { x, y } = tileOf(grid, channel), { naturalWidth, naturalHeight } = grid.image;
        mark.hidden = !naturalWidth;
        mark.style.left = `${100 * x / naturalWidth}%`;
        mark.style.top = `${100 * y / naturalHeight}%`;
        mark.style.width = `${100 * grid.width / naturalWidth}%`;
        mark.style.height = `${100 * grid.height / naturalHeight}%`;
        mark.textContent = link.title = `channel ${channel}`;
      };
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        const channel = event.detail ? channelUnder(grid, event) : chosen;
        if (channel === null) return; // beside the last tile: the whole grid, in the other viewer
        event.preventDefault();
        event.stopImmediatePropagation();
        at = { layer: order.indexOf(layer), channel };
        history.pushState({ channel: true }, "", address());
        open(at.layer, channel, link);
      }, true);
      link.addEventListener("pointermove", (event) => {
        const channel = channelUnder(grid, event);
        if (channel !== null) return point(channel);
        mark.hidden = true;
        link.title = "Enlarge";
      });
      link.addEventListener("pointerleave", () => { mark.hidden = true; });
      link.addEventListener("focus", () => { if (link.matches(":focus-visible")) point(chosen); });
      link.addEventListener("blur", () => { mark.hidden = true; });
      link.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns }[event.key];
        if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
        const next = chosen + step;
        if (next < 0 || next >= grid.count) return; // out of the grid: the page scrolls
        event.preventDefault();
        point(next);
      });
    });
  }

  const veil = () => dialog.style.setProperty("--over", slider.value / 100);
  let before = slider.value;
  slider.addEventListener("input", veil);
  ownBox?.addEventListener("change", show);
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === dialog || button?.classList.contains("channel-close")) dialog.close();
    else if (button?.dataset.walk) walk(...button.dataset.walk.split(" ").map(Number));
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow && event.target !== slider) walk(...arrow);
    else if (event.key.toLowerCase() === "s" && ownBox && !ownBox.disabled) { ownBox.checked = !ownBox.checked; show(); }
    else if (event.key.toLowerCase() === "o") {
      if (slider.value > 0) before = slider.value;
      slider.value = slider.value > 0 ? 0 : before;
      veil();
    } else return;
    event.preventDefault();
  });
  for (const panel of panels) {
    for (const canvas of panel.querySelectorAll("canvas")) {
      canvas.addEventListener("pointermove", (event) => {
        const box = canvas.getBoundingClientRect();
        const x = Math.floor((event.clientX - box.left) / box.width * canvas.width);
        const y = Math.floor((event.clientY - box.top) / box.height * canvas.height);
        const value = panel.values?.[y * canvas.width + x];
        told.textContent = value === undefined || isNaN(value) ? "" : `row ${y}, column ${x}: about ${number(Number(value.toPrecision(3)))}`;
      });
    }
  }
  // a finger's stroke to the side walks channels
  let start = null;
  body.addEventListener("pointerdown", (event) => {
    start = event.pointerType === "mouse" || event.target.closest("input, button") ? null : event;
  });
  body.addEventListener("pointerup", (event) => {
    const across = start && start.pointerId === event.pointerId ? event.clientX - start.clientX : 0;
    if (Math.abs(across) > 40 && Math.abs(across) > 1.5 * Math.abs(event.clientY - start.clientY)) walk(across < 0 ? 1 : -1, 0);
    start = null;
  });

  // links to a channel lead to its layer without this script
  for (const link of document.querySelectorAll("a[data-channel]")) link.href = link.dataset.channel;

  follow();
})();
