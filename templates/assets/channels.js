// The channel viewer: a tile of a grid opens as that channel of all cases, large, on one scale, over the input, with its
// numbers. Nothing is fetched: the tile is cut out of the grid, and its colours are read back by the grid's own palette.
"use strict";
(() => {
  const dialog = document.querySelector("dialog.channel");
  if (!dialog?.showModal) return;
  const LEVELS = 253, BINS = 40;
  const find = (query) => dialog.querySelector(query);
  const on = (element, kind, ...act) => element.addEventListener(kind, ...act);
  const numbers = (text) => text?.split(" ").map(Number);
  // where in an element, as shares of its sides
  const placeIn = (element, event) => {
    const box = element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const name = find(".channel-name"), told = find(".channel-value"), slider = find(".channel-opacity");
  const ownBox = find(".channel-own"), table = find(".channel-numbers"), body = find(".channel-body");
  const panels = [...dialog.querySelectorAll(".channel-case")];
  const drawing = dialog.closest("#layers").dataset;
  const data = document.querySelector("script[type='application/json']");
  let report = null;
  let at = { layer: 0, channel: 0 }, wanted = 0, opener = null, turn = 0;

  // layers in the order of the page, each with its grids by case
  const layers = [];
  for (const link of document.querySelectorAll("a[data-place]")) {
    const { place, layer, tiles } = link.dataset;
    const [count, columns, height, width, gap] = numbers(tiles);
    const found = layers[place] ||= { place: Number(place), name: layer, count, grids: [], field: numbers(link.dataset.field) };
    found.grids[link.dataset.case] = { link, image: link.querySelector("img"), count, columns, height, width, gap };
  }
  const order = layers.filter(Boolean).sort((one, other) => one.place - other.place);
  if (!order.length) return;

  const tileOf = (grid, channel) => ({
    x: channel % grid.columns * (grid.width + grid.gap), y: Math.floor(channel / grid.columns) * (grid.height + grid.gap),
  });
  // which tile; null where the last row has none
  const tileUnder = (grid, event) => {
    const [x, y] = placeIn(grid.image, event);
    const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(x * grid.image.naturalWidth / (grid.width + grid.gap))));
    const tile = Math.max(0, Math.floor(y * grid.image.naturalHeight / (grid.height + grid.gap))) * grid.columns + column;
    return tile < grid.count ? tile : null;
  };

  // --- numbers

  const measures = (place, number) => {
    report ||= data && (data.measured ||= JSON.parse(data.textContent));
    return report?.cases[number].layers[place];
  };
  const effectsOf = (layer) => (measures(0, 0), report?.differences?.layers[layer.place].effects);
  const number = (value) => typeof value === "number"
    ? String(Number(value.toPrecision(4))).replace("-", "−") : value === null ? "–" : "not a number";

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
    const known = of("minimum").concat(of("maximum"), [low, high]).every(Number.isFinite);
    return known ? [low, high] : null;
  };

  // --- pixels

  // the palette of a PNG in the page: its chunk PLTE follows the header
  const palettes = new Map();
  const code = (bytes, at) => bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
  const paletteOf = (image) => {
    const [start, text] = image.src.split(",", 2);
    if (!start.startsWith("data:image/png") || !text) return null;
    const bytes = Uint8Array.from(atob(text.slice(0, 1200)), (letter) => letter.charCodeAt(0));
    if (String.fromCharCode(...bytes.subarray(37, 41)) !== "PLTE") return null;
    const key = bytes.subarray(41, 41 + 3 * LEVELS).join();
    if (!palettes.has(key)) {
      const levels = new Map(), colours = [];
      for (let level = 0; level < LEVELS; level++) {
        const colour = bytes.subarray(41 + 3 * level, 44 + 3 * level);
        colours.push(colour);
        if (!levels.has(code(colour, 0))) levels.set(code(colour, 0), level);
      }
      palettes.set(key, { levels, colours });
    }
    return palettes.get(key);
  };

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const modified = (event) => event.ctrlKey || event.metaKey || event.altKey;
  const drawnOn = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
  const sized = (canvas, width, height) => Object.assign(canvas, { width, height });

  const crop = (canvas, image, { x, y }, { width, height }) => {
    const context = drawnOn(sized(canvas, width, height));
    context.drawImage(image, x, y, width, height, 0, 0, width, height);
    return context;
  };

  // the tile on a canvas of its own size; its values as far as colours can be read back
  const cut = (grid, channel, range) => {
    const { image, width, height } = grid, canvas = document.createElement("canvas");
    const context = crop(canvas, image, tileOf(grid, channel), grid), palette = range && paletteOf(image);
    if (!palette) return { canvas };
    const pixels = context.getImageData(0, 0, width, height).data, values = new Float64Array(width * height);
    for (let i = 0; i < values.length; i++) {
      const level = palette.levels.get(code(pixels, 4 * i));
      values[i] = level === undefined || !pixels[4 * i + 3] ? NaN : range[0] + (range[1] - range[0]) * level / (LEVELS - 1);
    }
    return { canvas, values, palette };
  };

  const share = (value, [low, high]) => high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
  // what isn't crossed out, and is a number: by its share of the range
  const paint = ({ canvas, values, palette }, range, set) => {
    const context = drawnOn(canvas), picture = context.getImageData(0, 0, canvas.width, canvas.height);
    values.forEach((value, i) => {
      if (!isNaN(value)) set(picture.data, 4 * i, share(value, range), palette);
    });
    context.putImageData(picture, 0, 0);
  };
  const colour = (data, at, of, { colours }) => data.set(colours[Math.round(of * (LEVELS - 1))], at);
  // over the input: the weaker a response, the more of the input is seen
  const thin = (data, at, of) => { data[at + 3] = 255 * Math.sqrt(of); };
  const copy = (from, to) => {
    drawnOn(sized(to, from.width, from.height)).drawImage(from, 0, 0);
  };
  // how many values are where between the ends
  const spread = (values, range) => {
    const counts = Array(BINS).fill(0);
    for (const value of values) counts[Math.min(BINS - 1, Math.floor(share(value, range) * BINS))]++;
    return counts.map((count) => Math.sqrt(count / values.length));
  };
  const put = (element, ...box) => ["left", "top", "width", "height"].forEach((side, i) => { element.style[side] = `${100 * box[i]}%`; });
  // where on the input a map lies, and what its strongest place sees, cut out
  const look = (panel, layer, grid, peak) => {
    const [height, width] = numbers(drawing.input);
    const [alone, over, part] = panel.querySelectorAll("canvas"), frame = panel.querySelector(".seen");
    const { field } = layer, image = panel.querySelector(".over img");
    const known = field && image && typeof peak === "number";
    frame.hidden = part.closest("div:not(.pane)").hidden = !known;
    put(over, 0, 0, 1, 1);
    if (!field) return;
    const [top, left, down, across, tall, wide, rows, columns] = field;
    put(over, (left + (wide - across) / 2) / width, (top + (tall - down) / 2) / height, columns * across / width, rows * down / height);
    if (!known) return;
    const clip = (start, size, side) => [Math.max(0, start), Math.min(side, start + size)];
    const [first, last] = clip(top + Math.floor(peak / columns) * down, tall, height);
    const [from, to] = clip(left + peak % columns * across, wide, width);
    put(frame, from / width, first / height, (to - from) / width, (last - first) / height);
    sized(part, to - from, last - first);
    part.parentElement.style.setProperty("--ratio", part.width / part.height);
    image.decode().then(() => {
      const times = image.naturalWidth / width;
      drawnOn(part).drawImage(image, ...[from, first, to - from, last - first].map((one) => one * times), 0, 0, part.width, part.height);
    }, () => {});
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
      const of = measures(place, one)?.statistics;
      return [of?.minimum[channel], of?.maximum[channel]];
    });
    const tiles = cases.map((one, i) => cut(layer.grids[one], channel, ranges[i]));
    const readable = tiles.every((tile) => tile.values);
    filter(layer, channel);
    const common = readable && [Math.min(...ranges.flat()), Math.max(...ranges.flat())];
    const own = readable && ownBox?.checked;
    const heights = tiles.map((tile) => readable ? spread(tile.values, common) : []);
    const tallest = Math.max(...heights.flat());
    if (ownBox) ownBox.disabled = !readable;
    shown.forEach((panel, i) => {
      const scale = own ? real[i] : common;
      if (readable) paint(tiles[i], scale, colour);
      const [alone, over] = panel.querySelectorAll("canvas");
      copy(tiles[i].canvas, alone);
      copy(tiles[i].canvas, over);
      if (readable) paint({ ...tiles[i], canvas: over }, scale, thin);
      alone.ariaLabel = `${panel.querySelector("h3").textContent}, ${layer.name}, channel ${channel}`
        + (readable ? `: ${number(real[i][0])} to ${number(real[i][1])}` : "");
      alone.parentElement.style.setProperty("--ratio", alone.width / alone.height);
      panel.values = tiles[i].values;
      look(panel, layer, layer.grids[cases[i]], measures(place, cases[i])?.statistics.peak[channel]);
      const [histogram, bar] = [".histogram", ".own-range"].map((one) => panel.querySelector(one));
      histogram.hidden = bar.hidden = !readable;
      if (!readable) return;
      histogram.querySelector("path").setAttribute("d", heights[i].map((one, x) => `M${x} 1v-${one / tallest}h.9v${one / tallest}`).join(""));
      const [from, to] = real[i].map((value) => share(value, common));
      put(bar.firstElementChild, from, 0, Math.max(0.005, to - from), 1);
    });
    name.textContent = `${layer.name} / ${channel}`;
    const grid = layer.grids[cases[0]];
    const effect = effectsOf(layer)?.[channel];
    find(".channel-about").textContent = `channel ${channel} of ${layer.count} (0 to ${layer.count - 1}), ${grid.height} × ${grid.width}`
      + (typeof effect === "number" ? `, difference ${number(effect)}` : "");
    told.textContent = "";
    const strip = find(".channel-range");
    strip.hidden = !readable;
    if (readable) {
      const context = drawnOn(strip.querySelector("canvas"));
      tiles[0].palette.colours.forEach((colour, x) => {
        context.fillStyle = `rgb(${colour})`;
        context.fillRect(x, 0, 1, 1);
      });
      find(".channel-low").textContent = own ? "each minimum" : number(common[0]);
      find(".channel-high").textContent = own ? "each maximum" : number(common[1]);
    }
    fill(place, cases, channel);
    for (const button of dialog.querySelectorAll("[data-walk]")) {
      const [across, down] = numbers(button.dataset.walk);
      button.ariaDisabled = !reach(across, down);
    }
  };

  // the kernel of a first layer, from the picture of all of them
  const kernel = find(".channel-filter");
  const filter = (layer, channel) => {
    const source = document.querySelector("#model-filters img");
    if (!kernel || (kernel.hidden = layer.name !== kernel.dataset.layer || !source)) return;
    const [count, columns, height, width, gap] = numbers(kernel.dataset.tiles), grid = { columns, height, width, gap };
    source.decode().then(() => crop(kernel.querySelector("canvas"), source, tileOf(grid, channel), grid), () => {});
  };

  const fill = (place, cases, channel) => {
    const all = cases.map((one) => measures(place, one));
    table.hidden = all.some((one) => !one);
    if (table.hidden) return;
    for (const row of table.querySelectorAll("[data-measure]")) {
      [...row.cells].slice(1).forEach((cell, i) => {
        const { statistics, dead_channels: dead, not_finite_channels: lost } = all[i];
        cell.textContent = row.dataset.measure !== "state" ? number(statistics[row.dataset.measure][channel])
          : lost.includes(channel) ? "not in numbers" : dead.includes(channel) ? "dead" : "yes";
      });
    }
  };

  // --- walking

  const reach = (across, down) => {
    const layer = at.layer + down;
    if (!order[layer]) return null;
    const { count, sorted } = order[layer];
    if (!across) return { layer, channel: Math.min(wanted, count - 1) };
    const tile = (sorted ? sorted.indexOf(at.channel) : at.channel) + across;
    return tile >= 0 && tile < count ? { layer, channel: sorted ? sorted[tile] : tile } : null;
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
      const image = new Image();
      [image.src, image.alt] = [source.src, source.alt];
      pane.prepend(image);
      pane.style.setProperty("--ratio", source.width / source.height || 1);
    }
    veil();
    unfold();
    return show();
  };

  // a folded layer that an address or a link leads to
  const unroll = (inside) => inside?.closest("details.folded")?.setAttribute("open", "");
  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return ""; } };
  const named = () => document.getElementById(decoded(location.hash.slice(1)));

  // an address such as #conv2d_3/17
  const parse = () => {
    const slash = location.hash.lastIndexOf("/");
    if (slash < 1 || !/^\d{1,6}$/.test(location.hash.slice(slash + 1))) return null;
    const asked = decoded(location.hash.slice(1, slash)), layer = order.findIndex((one) => one.name === asked);
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

  on(dialog, "close", () => {
    turn++;
    const link = opener || Object.values(order[at.layer].grids)[0].link;
    unroll(link);
    if (parse()) {
      if (history.state?.channel) history.back();
      else history.replaceState(null, "", `#${link.closest("[id]").id}`);
    }
    link.focus({ preventScroll: Boolean(opener) });
  });
  on(window, "popstate", follow);

  for (const layer of order) {
    layer.grids.forEach((grid) => {
      const { link } = grid;
      const mark = document.createElement("span");
      mark.className = "tile-mark";
      mark.hidden = true;
      link.append(mark);
      let chosen = 0;
      const channelAt = (tile) => layer.sorted ? layer.sorted[tile] : tile;
      const point = (tile) => {
        chosen = tile;
        const { x, y } = tileOf(grid, tile), { naturalWidth, naturalHeight } = grid.image;
        mark.hidden = !naturalWidth;
        put(mark, x / naturalWidth, y / naturalHeight, grid.width / naturalWidth, grid.height / naturalHeight);
        mark.textContent = link.title = `channel ${channelAt(tile)}`;
      };
      on(link, "click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        const tile = event.detail ? tileUnder(grid, event) : chosen;
        // beside the last tile: the whole grid, in the other viewer
        if (tile === null) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        at = { layer: order.indexOf(layer), channel: channelAt(tile) };
        history.pushState({ channel: true }, "", address());
        open(at.layer, at.channel, link);
      }, true);
      on(link, "pointermove", (event) => {
        const tile = tileUnder(grid, event);
        if (tile !== null) return point(tile);
        mark.hidden = true;
        link.title = "Enlarge";
      });
      on(link, "pointerleave", () => { mark.hidden = true; });
      on(link, "focus", () => { if (link.matches(":focus-visible")) point(chosen); });
      on(link, "blur", () => { mark.hidden = true; });
      on(link, "keydown", (event) => {
        const step = ARROWS[event.key];
        if (!step || modified(event)) return;
        const next = chosen + step[0] + step[1] * grid.columns;
        // out of the grid: the page scrolls
        if (next < 0 || next >= grid.count) return;
        event.preventDefault();
        point(next);
      });
    });
  }

  const veil = () => dialog.style.setProperty("--over", slider.value / 100);
  let before = slider.value;
  on(slider, "input", veil);
  if (ownBox) on(ownBox, "change", show);
  on(dialog, "click", (event) => {
    const button = event.target.closest("button");
    if (event.target === dialog || button?.classList.contains("channel-close")) dialog.close();
    else if (button?.dataset.walk) walk(...numbers(button.dataset.walk));
  });
  on(dialog, "keydown", (event) => {
    if (modified(event)) return;
    const arrow = ARROWS[event.key];
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
      on(canvas, "pointermove", (event) => {
        const place = placeIn(canvas, event), x = Math.floor(place[0] * canvas.width), y = Math.floor(place[1] * canvas.height);
        const value = panel.values?.[y * canvas.width + x];
        told.textContent = isNaN(value) ? "" : `row ${y}, column ${x}: about ${number(Number(value.toPrecision(3)))}`;
      });
    }
  }
  // a finger's stroke to the side walks channels
  let start = null;
  on(body, "pointerdown", (event) => {
    start = event.pointerType === "mouse" || event.target.closest("input, button") ? null : event;
  });
  on(body, "pointerup", (event) => {
    const across = start && start.pointerId === event.pointerId ? event.clientX - start.clientX : 0;
    if (Math.abs(across) > 40 && Math.abs(across) > 1.5 * Math.abs(event.clientY - start.clientY)) walk(across < 0 ? 1 : -1, 0);
    start = null;
  });

  // --- grids, their tiles sorted or each by its case's own range: drawn once they're in view

  const switches = document.querySelector(".grid-switches");
  const [byEffect, byRange] = ["effect", "range"].map((one) => switches.querySelector(`.by-${one}`));
  const redraw = (layer, grid, number) => {
    const { link, image } = grid, own = byRange?.checked;
    link.querySelector("canvas")?.remove();
    if (!own && !layer.sorted) return;
    const canvas = sized(document.createElement("canvas"), image.naturalWidth, image.naturalHeight), context = drawnOn(canvas);
    const cases = Object.keys(layer.grids);
    for (let tile = 0; tile < grid.count; tile++) {
      const channel = layer.sorted ? layer.sorted[tile] : tile, { x, y } = tileOf(grid, tile);
      const range = own && drawnRange(layer.place, cases, channel), piece = cut(grid, channel, range);
      const { minimum, maximum } = own ? measures(layer.place, number).statistics : {};
      if (piece.values) paint(piece, [minimum[channel], maximum[channel]], colour);
      context.drawImage(piece.canvas, x, y);
    }
    link.append(canvas);
  };
  const seen = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    seen.unobserve(target);
    const layer = layers[target.dataset.place], number = target.dataset.case;
    layer.grids[number].image.decode().then(() => redraw(layer, layer.grids[number], number), () => {});
  }));
  const rearrange = () => {
    for (const layer of order) {
      const effects = byEffect?.checked && effectsOf(layer);
      layer.sorted = effects && [...Array(layer.count).keys()].sort((one, other) => Math.abs(effects[other]) - Math.abs(effects[one]));
      layer.grids.forEach((grid) => { seen.unobserve(grid.link); seen.observe(grid.link); });
    }
  };
  on(switches, "change", rearrange);
  // in a site, pictures are files whose colours can't be read back
  if (byRange) byRange.parentElement.hidden = !data || !paletteOf(Object.values(order[0].grids)[0].image);
  switches.hidden = false;

  // links to a channel lead to its layer without this script
  for (const link of document.querySelectorAll("a[data-channel]")) link.href = link.dataset.channel;

  follow();
})();
