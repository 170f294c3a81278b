// What is in sight: the stretch of time, and where everything stands on the stage.

const stage = document.getElementById('stage');
const canvas = stage.querySelector('canvas');
const strip = document.querySelector('#strip canvas');
const GUTTER = 126;
const RIGHT = 26;
const AXIS = 34;

const margin = Math.max(2, (span.to - span.from) * 0.025);
const bounds = { from: span.from - margin, to: span.to + margin };
const view = { from: bounds.from, to: bounds.to };
// Everything that a person has chosen.
const state = {
  chosen: null, life: null, hover: null, cursor: null, pinned: null,
  show: { acks: true, labels: true, queues: true, clients: true }, printing: false,
};
const size = { width: 0, height: 0 };
const lanes = { clients: [], replicas: [], rowHeight: 0, clientsTop: 0, clientsBottom: 0 };

const x = (time) => GUTTER + ((time - view.from) / (view.to - view.from)) * (size.width - GUTTER - RIGHT);
const timeAt = (px) => view.from + ((px - GUTTER) / (size.width - GUTTER - RIGHT)) * (view.to - view.from);
const perPixel = () => (view.to - view.from) / (size.width - GUTTER - RIGHT);

const style = {};
function readStyle() {
  const computed = getComputedStyle(document.documentElement);
  for (const name of ['page', 'card', 'ink', 'soft', 'faint', 'rule', 'grid', 'ack', 'good', 'bad', 'open', 'delay', 'cut', 'down', 'pause', 'sans', 'mono']) {
    style[name] = computed.getPropertyValue(`--${name}`).trim();
  }
  style.replicas = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => computed.getPropertyValue(`--r${number}`).trim());
}
const colourOf = (id) => style.replicas[((id ?? 1) - 1) % style.replicas.length];
const toneOf = (id) => `var(--r${(((id ?? 1) - 1) % 8) + 1})`;

// A sheet of paper, A4 and lying, in pixels, and what of it the diagram gets at least: otherwise it has one of its own.
const SHEET = { width: 1030, height: 668, least: 0.5 };

// The room for the diagram from its top to the legend, which should be in sight as well.
function room() {
  const above = stage.getBoundingClientRect().top + window.scrollY;
  if (!state.printing) return window.innerHeight - above - 96;
  // The strip is not printed.
  const free = SHEET.height - (above - strip.parentElement.offsetHeight) - 48;
  return free > SHEET.least * SHEET.height ? free : SHEET.height - 48;
}

// Lines for clients at the top, for replicas below: as much room as there is, and no less than they need.
function layOut() {
  size.width = stage.clientWidth;
  const count = state.show.clients ? clients.length : 0;
  const free = room();
  const most = state.printing && count ? (0.45 * free) / count : Infinity;
  const row = Math.min(most, count <= 6 ? 30 : count <= 14 ? 21 : count <= 26 ? 13 : Math.max(4, 340 / count));
  lanes.rowHeight = row;
  lanes.clientsTop = AXIS + 12;
  lanes.clients = clients.map((_, place) => lanes.clientsTop + row * (place + 0.5));
  lanes.clientsBottom = lanes.clientsTop + row * count;
  let top = lanes.clientsBottom + (count ? 20 : 4);
  const pitch = Math.min(178, Math.max(state.printing ? 40 : 112, (free - top) / Math.max(1, replicas.length)));
  lanes.replicas = replicas.map((_, place) => ({ line: top + 34 + pitch * place, pitch }));
  size.height = Math.round(top + pitch * replicas.length + (replicas.length ? 8 : 20));
  const ratio = state.printing ? 3 : window.devicePixelRatio || 1;
  fitCanvas(canvas, size.width, size.height, ratio);
  fitCanvas(strip, strip.parentElement.clientWidth, strip.parentElement.clientHeight, ratio);
}

function fitCanvas(which, width, height, ratio) {
  which.width = Math.round(width * ratio);
  which.height = Math.round(height * ratio);
  which.style.height = `${height}px`;
  which.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
}

const lineOf = (replica) => lanes.replicas[replica.index].line;

// A view of at least a few microseconds, within what there is to see.
function clampView(from, to) {
  const length = Math.min(Math.max(to - from, 8), bounds.to - bounds.from);
  const start = Math.min(Math.max((from + to) / 2 - length / 2, bounds.from), bounds.to - length);
  return { from: start, to: start + length };
}

let flight = 0;
function moveTo(from, to, atOnce) {
  const goal = clampView(from, to);
  const origin = { ...view };
  cancelAnimationFrame(flight);
  if (atOnce || matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden) {
    Object.assign(view, goal);
    redraw();
    return;
  }
  let begun = null;
  const step = (now) => {
    begun ??= now;
    const share = Math.min(1, (now - begun) / 180);
    const eased = 1 - (1 - share) ** 3;
    view.from = origin.from + (goal.from - origin.from) * eased;
    view.to = origin.to + (goal.to - origin.to) * eased;
    redraw();
    if (share < 1) flight = requestAnimationFrame(step);
  };
  flight = requestAnimationFrame(step);
}

function zoom(factor, around, atOnce) {
  const centre = around ?? (view.from + view.to) / 2;
  moveTo(centre - (centre - view.from) * factor, centre + (view.to - centre) * factor, atOnce);
}

function pan(share, atOnce) {
  const by = (view.to - view.from) * share;
  moveTo(view.from + by, view.to + by, atOnce);
}

// Brings a stretch into sight; zooms only if it is longer than the view, or on demand.
function reveal(from, to, closely) {
  const length = view.to - view.from;
  const needed = Math.max((to - from) * 1.3, closely ? 40 : 0);
  if (closely || needed > length) {
    const centre = (from + to) / 2;
    moveTo(centre - needed / 2, centre + needed / 2);
  } else if (from < view.from + length * 0.04 || to > view.to - length * 0.04) {
    const centre = (from + to) / 2;
    moveTo(centre - length / 2, centre + length / 2);
  } else {
    redraw();
  }
}

// A time as a person reads it, as exact as `step` asks for.
function readTime(time, step) {
  if (!data.timed) return `line ${Math.round(time / 1000)}`;
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(Math.max(step, 1) / 1e6) - 1e-9)));
  return `${(time / 1e6).toFixed(digits)} s`;
}

function readLength(length) {
  if (!data.timed) return `${Math.round(length / 1000)} lines`;
  if (length < 1000) return `${Math.round(length)} µs`;
  if (length < 1e6) return `${(length / 1e3).toPrecision(3)} ms`;
  return `${(length / 1e6).toPrecision(3)} s`;
}

let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}
