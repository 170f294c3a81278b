// What a person does: mouse, touch, keys, search, theme, print.

const HELP = [
  ['→  ←', 'next and previous delivery (with Shift: at the same replica)'],
  ['n  p', 'next and previous operation'],
  ['+  −', 'zoom (so does the wheel; drag to move, double-click to come closer)'],
  ['PgUp  PgDn  Home  End', 'move through the run'],
  ['0', 'the whole run'], ['w', 'what is shown in full, or the counter-example'],
  ['f', 'come close to what is chosen'], ['Esc', 'choose nothing'],
  ['/', 'find an operation by command, reply or stamp; Enter goes to the next'],
  ['k  l  q  c', 'hide or show acks, labels, queues, clients'], ['t', 'light or dark'], ['?', 'this'],
];

function choose(thing, closely = false) {
  state.chosen = thing;
  state.life = thing ? lifeOf(thing) : null;
  if (!thing) {
    state.pinned = null;
  } else {
    const [from, to] = stretchOf(state.life, thing);
    state.pinned = thing.type === 'delivery' ? thing.at : thing.type === 'bar' ? thing.to ?? thing.from : from;
    // A delivery is looked at where it is, all else as a whole.
    if (thing.type === 'delivery' && !closely) reveal(thing.at, thing.at, false);
    else reveal(from, to, closely);
    state.cursor = null;
    byId('live').textContent = describe(thing);
  }
  writeChosen();
  writeQueues();
  redraw();
}

function stretchOf(life, thing) {
  const times = [];
  if (life.bar) times.push(life.bar.from, life.bar.to ?? life.bar.from);
  life.deliveries.forEach((delivery) => times.push(delivery.at));
  life.messages.forEach((message) => times.push(...ends(message)));
  if (thing.from !== undefined && typeof thing.from === 'number') times.push(thing.from, thing.to ?? thing.from);
  if (!times.length) times.push(thing.at ?? span.from);
  return [Math.min(...times), Math.max(...times)];
}

function describe(thing) {
  if (thing.type === 'delivery') return `Replica ${thing.replica.id} delivers position ${thing.position}: ${thing.entry.text ?? thing.entry.stamp}, at ${readTime(thing.at, 1)}`;
  if (thing.type === 'bar') return `${thing.client.name}: ${thing.call}, ${thing.answer || 'no reply'}, from ${readTime(thing.from, 1)}`;
  if (thing.type === 'message') return `${thing.kind} from ${thing.from.id} to ${thing.to.id}`;
  return thing.entry?.text ?? '';
}

// Steps from what is chosen, or from the edge of what is in sight.
function stepDelivery(by, sameReplica) {
  const chosen = state.chosen?.type === 'delivery' ? state.chosen : null;
  const list = sameReplica && chosen ? chosen.replica.deliveries : deliveries;
  if (!list.length) return;
  const here = chosen ? list.indexOf(chosen) : edge(list, by, (delivery) => delivery.at);
  const next = list[Math.min(Math.max(here + by, 0), list.length - 1)];
  choose(next);
}

function stepBar(by) {
  if (!bars.length) return;
  const chosen = state.life?.bar ?? null;
  const here = chosen ? bars.indexOf(chosen) : edge(bars, by, (bar) => bar.from);
  choose(bars[Math.min(Math.max(here + by, 0), bars.length - 1)]);
}

function edge(list, by, value) {
  const time = state.pinned ?? (by > 0 ? view.from : view.to);
  return by > 0 ? placeAfter(list, time - 1, value) - 1 : placeAfter(list, time, value);
}

function goToWindow() {
  if (marked.length) {
    const from = Math.min(...marked.map((bar) => bar.from));
    const to = Math.max(...marked.map((bar) => bar.to ?? bar.from));
    const beside = Math.max((to - from) * 0.25, 20);
    moveTo(from - beside, to + beside);
  } else if (data.window) {
    moveTo(...data.window);
  }
}

function toggleShown(name) {
  state.show[name] = !state.show[name];
  document.querySelector(`[data-show="${name}"]`)?.setAttribute('aria-pressed', String(state.show[name]));
  layOut();
  redraw();
}

// --- what is under the mouse --------------------------------------------------------------------------

function thingAt(px, py) {
  if (px < GUTTER - 8) return null;
  let best = null;
  let nearest = 13;
  for (const delivery of deliveries) {
    if (delivery.at < view.from - perPixel() * 50 || delivery.at > view.to) continue;
    const distance = Math.hypot((delivery.drawnAt ?? x(delivery.at)) - px, lineOf(delivery.replica) - py);
    if (distance < nearest) [best, nearest] = [delivery, distance];
  }
  if (best) return best;
  if (state.show.clients && py >= lanes.clientsTop - 4 && py <= lanes.clientsBottom + 4) {
    const row = Math.min(clients.length - 1, Math.max(0, Math.floor((py - lanes.clientsTop) / lanes.rowHeight)));
    nearest = 6;
    for (const bar of clients[row]?.bars ?? []) {
      const left = x(bar.from);
      const right = x(bar.to ?? bounds.to);
      const distance = px < left ? left - px : px > right ? px - right : 0;
      if (distance < nearest || (distance === 0 && nearest === 0)) [best, nearest] = [bar, distance];
    }
    return best;
  }
  return messageAt(px, py) ?? stayAt(px, py) ?? bandAt(px, py);
}

function messageAt(px, py) {
  let best = null;
  let nearest = 5;
  for (const message of messages) {
    if (!isShown(message) || !visible(...ends(message))) continue;
    const { fromX, fromY, toX, toY } = path(message);
    const along = Math.max(0, Math.min(1, ((px - fromX) * (toX - fromX) + (py - fromY) * (toY - fromY)) / ((toX - fromX) ** 2 + (toY - fromY) ** 2 || 1)));
    // Frames that carry entries come before those that acknowledge them.
    const distance = Math.hypot(fromX + (toX - fromX) * along - px, fromY + (toY - fromY) * along - py) + (message.kind === 'ACK' ? 1 : 0);
    if (distance < nearest) [best, nearest] = [message, distance];
  }
  return best;
}

function stayAt(px, py) {
  if (!state.show.queues) return null;
  for (const replica of replicas) {
    const { line: y, pitch } = lanes.replicas[replica.index];
    if (py < y + 10 || py > y + pitch - 40 || replica.rows > 8) continue;
    const height = Math.max(4, Math.min(16, (pitch - 56) / Math.max(1, Math.min(replica.rows, 8))));
    const row = Math.floor((py - y - 13) / height);
    const time = timeAt(px);
    const found = replica.stays.find((stay) => stay.row === row && stay.from <= time + perPixel() * 2 && (stay.to ?? NEVER) >= time - perPixel() * 2);
    if (found) return found;
  }
  return null;
}

function bandAt(px, py) {
  const time = timeAt(px);
  return bands.find((band) => {
    const height = Math.min(13, 26 / band.replica.bandRows);
    const top = lineOf(band.replica) - 30 + band.row * height;
    return py >= top && py < top + height && band.from <= time && (band.to ?? NEVER) >= time;
  }) ?? null;
}

function tipOf(thing) {
  const rows = {
    bar: () => [thing.call, `${thing.client.name} → ${thing.answer || 'no reply'}${thing.to === null ? '' : `, took ${readLength(thing.to - thing.from)}`}`, thing.entry ? `stamp ${thing.entry.stamp}` : null, thing.end === 'info' ? 'it may or may not have happened' : null],
    delivery: () => [thing.entry.text ?? thing.entry.stamp, `position ${thing.position} at replica ${thing.replica.id}, stamp ${thing.entry.stamp}`, readTime(thing.at, 1)],
    message: () => [`${thing.kind}${thing.entry ? ` ${thing.entry.stamp}` : ''}`, `replica ${thing.from.id} → ${thing.to.id}${thing.received === null ? ', lost' : took(thing)}`, thing.kind === 'ACK' ? null : thing.entry?.text ?? null],
    stay: () => [thing.entry.text ?? thing.entry.stamp, `held back at replica ${thing.replica.id}${thing.to === null ? ', never delivered' : ` for ${readLength(thing.to - thing.from)}`}`, `stamp ${thing.entry.stamp}`],
    band: () => [bandText(thing), `at replica ${thing.replica.id}, ${thing.to === null ? 'to the end' : `for ${readLength(thing.to - thing.from)}`}`],
  };
  return rows[thing.type]().filter(Boolean);
}

function showTip(thing, event) {
  const tip = byId('tip');
  tip.hidden = !thing;
  if (!thing) return;
  const [first, ...rest] = tipOf(thing);
  tip.replaceChildren(make('b', {}, first), ...rest.map((row) => make('span', {}, row)));
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - width - 8)}px`;
  tip.style.top = `${event.clientY + 18 + height > window.innerHeight ? event.clientY - height - 12 : event.clientY + 18}px`;
}

// --- mouse and touch ----------------------------------------------------------------------------------

const at = (event) => [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];
let drag = null;
canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  drag = { px: at(event)[0], from: view.from, to: view.to, moved: false };
  canvas.setPointerCapture(event.pointerId);
  stage.focus({ preventScroll: true });
});
canvas.addEventListener('pointermove', (event) => {
  const [px, py] = at(event);
  if (drag && Math.abs(px - drag.px) > 3) {
    drag.moved = true;
    stage.classList.add('dragging');
    const by = (drag.px - px) * ((drag.to - drag.from) / (size.width - GUTTER - RIGHT));
    moveTo(drag.from + by, drag.to + by, true);
  }
  state.cursor = px >= GUTTER - 8 ? timeAt(px) : null;
  state.hover = drag?.moved ? null : thingAt(px, py);
  canvas.style.cursor = state.hover ? 'pointer' : '';
  showTip(state.hover, event);
  writeQueues();
  redraw();
});
canvas.addEventListener('pointerup', (event) => {
  stage.classList.remove('dragging');
  const wasClick = drag && !drag.moved;
  drag = null;
  if (!wasClick) return;
  const thing = thingAt(...at(event));
  choose(thing?.type === 'band' ? null : thing);
});
canvas.addEventListener('pointercancel', () => { drag = null; });
canvas.addEventListener('pointerleave', () => {
  state.cursor = null;
  showTip(null);
  writeQueues();
  redraw();
});
canvas.addEventListener('dblclick', (event) => zoom(0.4, timeAt(at(event)[0])));
canvas.addEventListener('wheel', (event) => {
  // Up and down zoom, sideways moves. A page that is higher than the screen scrolls with Shift.
  if (event.shiftKey) return;
  event.preventDefault();
  if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / 900, true);
  else zoom(Math.exp(Math.max(-80, Math.min(80, event.deltaY)) / 260), timeAt(at(event)[0]), true);
}, { passive: false });

function dragStrip(event) {
  const box = strip.getBoundingClientRect();
  const centre = bounds.from + ((event.clientX - box.left) / box.width) * (bounds.to - bounds.from);
  const half = (view.to - view.from) / 2;
  moveTo(centre - half, centre + half, true);
}
strip.addEventListener('pointerdown', (event) => {
  strip.setPointerCapture(event.pointerId);
  // Seeing everything, a click comes closer.
  if (view.to - view.from > (bounds.to - bounds.from) * 0.98) zoom(0.2, null, true);
  dragStrip(event);
});
strip.addEventListener('pointermove', (event) => { if (event.buttons) dragStrip(event); });

// --- keys, search, theme, print -----------------------------------------------------------------------

const KEYS = {
  ArrowRight: (event) => stepDelivery(1, event.shiftKey), ArrowLeft: (event) => stepDelivery(-1, event.shiftKey),
  n: () => stepBar(1), p: () => stepBar(-1), '+': () => zoom(0.6), '=': () => zoom(0.6), '-': () => zoom(1 / 0.6),
  PageDown: () => pan(0.8), PageUp: () => pan(-0.8), 0: () => moveTo(bounds.from, bounds.to), w: goToWindow,
  Home: () => moveTo(bounds.from, bounds.from + (view.to - view.from)), End: () => moveTo(bounds.to - (view.to - view.from), bounds.to),
  f: () => { if (state.chosen) reveal(...stretchOf(state.life, state.chosen), true); },
  Escape: () => choose(null), t: () => setTheme(!isDark()), k: () => toggleShown('acks'), l: () => toggleShown('labels'),
  q: () => toggleShown('queues'), c: () => toggleShown('clients'), '/': () => byId('find').focus(), '?': () => byId('help').showModal(),
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
  if (event.target === byId('find')) {
    if (event.key === 'Escape') { byId('find').value = ''; stage.focus(); }
    if (event.key === 'Enter') find(event.shiftKey ? -1 : 1);
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
});

function find(by) {
  const wanted = byId('find').value.trim().toLowerCase();
  if (!wanted || !bars.length) return;
  const fits = (bar) => `${bar.call} → ${bar.answer} ${bar.entry?.stamp ?? ''} ${bar.client.name} ${bar.end}`.toLowerCase().includes(wanted);
  const here = state.life?.bar ? bars.indexOf(state.life.bar) : by > 0 ? -1 : bars.length;
  for (let step = 1; step <= bars.length; step += 1) {
    const bar = bars[(here + by * step + 2 * bars.length) % bars.length];
    if (fits(bar)) { choose(bar); return; }
  }
  byId('live').textContent = `nothing found for ${wanted}`;
  byId('find').select();
}

const isDark = () => document.documentElement.classList.contains('dark');
function setTheme(dark, keep = true) {
  document.documentElement.classList.toggle('dark', dark);
  // A file may have no storage.
  if (keep) try { localStorage.setItem('holdback-theme', dark ? 'dark' : 'light'); } catch { /* then it is not kept */ }
  readStyle();
  redraw();
}
byId('theme').addEventListener('click', () => setTheme(!isDark()));
byId('print').addEventListener('click', () => window.print());
byId('ask').addEventListener('click', () => byId('help').showModal());
byId('help').append(
  make('h2', {}, 'Keys'),
  make('dl', {}, ...HELP.flatMap(([keys, words]) => [make('dt', {}, ...keys.split(/ {1,}/).flatMap((key) => [make('kbd', {}, key), ' '])), make('dd', {}, words)])),
  make('form', { method: 'dialog' }, make('button', {}, 'Close')),
);

let before = null;
addEventListener('beforeprint', () => {
  before = { dark: isDark() };
  state.printing = true;
  setTheme(false, false);
  document.documentElement.classList.add('printing');
  document.body.style.width = `${SHEET.width}px`;
  layOut();
  draw();
});
addEventListener('afterprint', () => {
  state.printing = false;
  document.documentElement.classList.remove('printing');
  document.body.style.width = '';
  setTheme(before.dark, false);
  layOut();
  redraw();
});
addEventListener('resize', () => { layOut(); redraw(); });

let kept = null;
try { kept = localStorage.getItem('holdback-theme'); } catch { /* as above */ }
const prefers = matchMedia('(prefers-color-scheme: dark)');
setTheme(kept ? kept === 'dark' : prefers.matches, false);
prefers.addEventListener('change', (event) => { if (!kept) setTheme(event.matches, false); });
writeTitle();
writeLegend();
layOut();
// A run that fits into one look is shown whole.
if (marked.length && bars.length > 60) goToWindow();
else if (data.window) Object.assign(view, clampView(...data.window));
writeChosen();
writeQueues();
draw();

// For tests, and for whoever looks into the console.
window.holdback = { draw, data, bars, messages, deliveries, stays, bands, entries, replicas, clients, state, view, size, lanes, drawn, x, barBox, lineOf, path, thingAt, choose, moveTo, queueAt, waitsFor, lifeOf };
