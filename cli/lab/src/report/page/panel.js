// The words around the picture: title, verdict, counter-example, what is chosen, and what each replica holds back.

const byId = (id) => document.getElementById(id);
const marked = bars.filter((bar) => bar.isMarked);

// An element with attributes and children; strings become text, so nothing of a run is taken for HTML.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'tone') element.style.setProperty('--tone', value);
    else if (key === 'onclick') element.addEventListener('click', value);
    else if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const count = (number, one, many) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
const dot = (id) => {
  const element = make('span', { class: 'dot' });
  element.style.background = toneOf(id);
  return element;
};

// A cluster that keeps a weaker promise may well break a stronger one.
const STRENGTH = ['eventual', 'sequential', 'linearizable'];
const isPromised = (model) => !data.consistency || STRENGTH.indexOf(model) <= STRENGTH.indexOf(data.consistency);

function writeTitle() {
  byId('name').textContent = data.title || data.name;
  const started = data.started ? new Date(data.started).toISOString().slice(0, 19).replace('T', ' ') : null;
  const facts = [
    data.consistency, count(replicas.length, 'replica', 'replicas'), count(clients.length, 'client', 'clients'),
    count(data.total.operations, 'operation', 'operations'), count(data.total.messages, 'frame', 'frames'),
    data.timed ? readLength(span.to - span.from) : null, data.seed === null ? null : `seed ${data.seed}`, started && `${started} UTC`,
  ];
  byId('facts').textContent = facts.filter(Boolean).join('  ·  ');
  byId('name').title = data.name;
  const { run, models } = data.judged;
  const signs = { yes: '✓', no: '✗', unknown: '?' };
  const pill = (words, verdict) => make('span', { class: `verdict ${signs[verdict] ? verdict : 'unknown'}` }, make('b', {}, signs[verdict] ?? '?'), words);
  for (const [model, verdict] of models) {
    const element = pill(`${model}: ${verdict}`, verdict);
    if (verdict === 'no' && !isPromised(model)) {
      element.className = 'verdict unknown';
      element.title = 'not promised by this cluster';
    }
    byId('verdicts').append(element);
  }
  if (run) byId('verdicts').prepend(pill(models.length ? `the case: ${run}` : `verdict: ${run}`, run));
  if (data.description) byId('story').append(make('p', {}, data.description));
  const notes = [...data.notes];
  if (data.window) {
    const [from, to] = data.window.map((time) => readTime(time, 1000));
    notes.unshift(`From ${from} to ${to} everything is shown; of the rest one of ${data.oneOf} operations, each with its whole life. The strip counts all.`);
  }
  notes.forEach((note) => byId('story').append(make('p', { class: 'note' }, note)));
  writeCounterExample(models);
}

function writeCounterExample(models) {
  const section = byId('counter');
  for (const [model, verdict, reasons, places] of models) {
    if (verdict !== 'no' || (!reasons.length && !places.length)) continue;
    section.hidden = false;
    const mild = !isPromised(model);
    if (mild) section.className = 'mild';
    const calls = places.map((place, number) => {
      const bar = bars[place];
      const words = `${bar.client.name}: ${bar.call} → ${bar.answer || '…'}`;
      return make('button', { type: 'button', onclick: () => choose(bar, true) }, make('b', {}, `#${number + 1}`), words);
    });
    section.append(make('h2', {}, `Not ${model}${mild ? ', and not promised to be' : ''}`), ...reasons.map((reason) => make('p', {}, reason)), make('div', { class: 'calls' }, ...calls));
  }
}

const DONE = data.consistency === 'eventual' ? 'applied' : 'delivered';

// What is chosen, from its first step to its last.
function writeChosen() {
  const place = byId('chosen');
  place.replaceChildren();
  const { chosen, life } = state;
  if (!chosen) {
    place.append(make('p', { class: 'hint' }, 'Click an operation to see its whole life. ', make('kbd', {}, '→'), ' steps through deliveries, ', make('kbd', {}, 'n'), ' through operations, ', make('kbd', {}, '?'), ' shows all keys.'));
    return;
  }
  const { bar, entry } = life;
  const call = bar?.call || entry?.text || (chosen.kind ?? '');
  place.append(make('h2', {}, headline(chosen, bar, entry)), make('p', { class: 'call' }, call));
  if (bar) place.append(make('p', { class: 'answer' }, `→ ${bar.answer || 'no reply'}${bar.position === null ? '' : `  at position ${bar.position}`}`));
  const steps = stepsOf(life);
  const items = steps.map(([time, words, id], number) => {
    const when = number === 0 ? readTime(time, 1) : `+${readLength(time - steps[0][0])}`;
    return make('li', { tone: id === null ? 'var(--faint)' : toneOf(id), title: readTime(time, 1) }, words, make('time', {}, when));
  });
  place.append(make('ol', { class: 'steps' }, ...items));
}

function headline(chosen, bar, entry) {
  if (chosen.type === 'delivery') return `Position ${chosen.position} at replica ${chosen.replica.id}, stamp ${entry.stamp}`;
  if (chosen.type === 'message') return `${chosen.kind} from ${chosen.from.id} to ${chosen.to.id}${entry ? `, stamp ${entry.stamp}` : ''}`;
  const stamp = entry ? `, stamp ${entry.stamp}` : '';
  if (!bar) return `Entry${stamp}`;
  return `${bar.client.name}${bar.replica === null ? '' : `, replica ${bar.replica}`}${stamp}${bar.end === 'ok' ? '' : `, ${bar.end}`}`;
}

// A replica looks at its clock once a turn, so a short way may seem to have taken no time at all.
function took(message) {
  const known = message.sent !== null && message.received !== null && message.received > message.sent;
  return known ? `, took ${readLength(message.received - message.sent)}` : '';
}

function stepsOf(life) {
  const { bar, entry } = life;
  const steps = [];
  const add = (rank, time, words, id) => { if (time !== null && time !== undefined) steps.push([time, words, id, rank]); };
  if (bar) {
    add(0, bar.from, 'invoked', null);
    add(1, bar.came, `request at replica ${bar.replica}`, bar.replica);
    add(6, bar.replied, `reply from replica ${bar.replica}`, bar.replica);
    add(7, bar.to, bar.end === 'ok' ? 'completed' : `ended: ${bar.end}`, null);
  }
  for (const each of life.entries) add(2, each.at, `stamped ${each.stamp}`, each.origin);
  for (const message of life.messages) {
    const of = message.entry && !life.entries.includes(message.entry) ? ` (of ${message.entry.label})` : '';
    const way = `${message.kind}${of} ${message.from.id} → ${message.to.id}`;
    if (message.received !== null) add(4, message.received, `${way}${took(message)}`, message.to.id);
    else add(3, message.sent, `${way}, lost`, message.from.id);
  }
  life.deliveries.forEach((delivery) => add(5, delivery.at, `${DONE} at ${delivery.replica.id}, position ${delivery.position}`, delivery.replica.id));
  return steps.sort((a, b) => a[0] - b[0] || a[3] - b[3]);
}

// Each replica's holdback queue at the time under the cursor.
let written = null;
function writeQueues() {
  const time = state.cursor ?? state.pinned ?? span.to;
  const place = byId('queues');
  if (!replicas.length || time === written) return;
  written = time;
  place.replaceChildren(make('h2', {}, stays.length ? `Held back at ${readTime(time, Math.max(1, perPixel()))}` : `At ${readTime(time, Math.max(1, perPixel()))}`));
  for (const replica of replicas) {
    const clock = clockAt(replica, time);
    const facts = `${clock === null ? '' : `clock ${clock} · `}position ${positionAt(replica, time)}`;
    place.append(make('h3', {}, dot(replica.id), `replica ${replica.id}`, make('small', {}, facts)));
    if (!stays.length) continue;
    const held = queueAt(replica, time);
    if (!held.length) place.append(make('p', { class: 'empty' }, 'nothing'));
    else place.append(make('ol', { class: 'queue' }, ...held.slice(0, 6).map((stay) => itemOf(stay, time))));
    if (held.length > 6) place.append(make('p', { class: 'empty' }, `and ${held.length - 6} more`));
  }
}

function itemOf(stay, time) {
  const waits = waitsFor(stay, time);
  const note = stay.to === time
    ? make('span', { class: 'waits now' }, `delivered now, position ${stay.entry.deliveries.find((delivery) => delivery.replica === stay.replica)?.position ?? '?'}`)
    : make('span', { class: 'waits' }, waits.length ? `waits for ${waits.join(', ')}` : 'waits for what is ahead of it');
  return make('li', { tone: toneOf(stay.entry.origin) }, make('span', { class: 'stamp' }, stay.entry.label), make('span', { class: 'what' }, stay.entry.text ?? ''), note);
}

function writeLegend() {
  const svg = (inner) => {
    const element = make('span');
    element.innerHTML = `<svg viewBox="0 0 30 14" aria-hidden="true">${inner}</svg>`;
    return element.firstChild;
  };
  const key = (inner, words) => make('span', { class: 'key' }, svg(inner), words);
  const toggle = (inner, words, name, letter) => make('button', { type: 'button', 'aria-pressed': 'true', title: `${letter} hides or shows`, 'data-show': name, onclick: () => toggleShown(name) }, svg(inner), words);
  const arrowHead = (colour) => `<path d="M2 7H24" stroke="${colour}" stroke-width="1.8"/><path d="M30 7l-7-3.5v7z" fill="${colour}"/>`;
  const isEventual = messages.some((message) => message.kind === 'UPDATE');
  const tone = 'var(--r1)';
  byId('legend').append(...[
    clients.length ? toggle(`<rect x="1" y="2" width="28" height="10" rx="3" fill="${tone}"/>`, 'write', 'clients', 'c') : null,
    bars.some((bar) => bar.isRead) ? key(`<rect x="1" y="2" width="28" height="10" rx="3" fill="${tone}" opacity=".3"/>`, 'read') : null,
    bars.some((bar) => bar.end === 'info') ? key('<rect x="1" y="2" width="28" height="10" rx="3" fill="none" stroke="var(--delay)" stroke-dasharray="4 3"/>', 'unknown whether it happened') : null,
    bars.some((bar) => bar.end === 'fail') ? key('<rect x="1" y="2" width="28" height="10" rx="3" fill="none" stroke="var(--cut)"/>', 'did not happen') : null,
    messages.length ? key(arrowHead(tone), isEventual ? 'UPDATE' : 'MCAST with its stamp') : null,
    messages.some((message) => message.kind === 'ACK') ? toggle(arrowHead('var(--ack)'), 'ACK', 'acks', 'k') : null,
    entries.length ? key(`<path d="M15 1l6 6-6 6-6-6z" fill="${tone}"/>`, 'stamped') : null,
    deliveries.length ? key(`<circle cx="15" cy="7" r="7" fill="${tone}"/><text x="15" y="10.5" font-size="9.5" font-weight="700" text-anchor="middle" fill="var(--card)">1</text>`, isEventual ? 'applied, with its position' : 'delivered, with its position') : null,
    stays.length ? toggle(`<rect x="1" y="3" width="28" height="8" rx="3" fill="${tone}" opacity=".24"/>`, 'held back', 'queues', 'q') : null,
    bands.some((band) => band.trouble === 'delay') ? key('<rect x="1" y="2" width="28" height="10" fill="var(--delay)" opacity=".35"/>', 'delay') : null,
    bands.some((band) => band.trouble === 'cut' || band.trouble === 'down') ? key('<rect x="1" y="2" width="14" height="10" fill="var(--cut)" opacity=".35"/><rect x="15" y="2" width="14" height="10" fill="var(--down)" opacity=".35"/>', 'cut, down') : null,
    bands.some((band) => band.trouble === 'pause') ? key('<rect x="1" y="2" width="28" height="10" fill="var(--pause)" opacity=".35"/>', 'paused') : null,
    messages.some((message) => message.received === null) ? key('<path d="M2 7H20" stroke="var(--r1)" stroke-dasharray="4 3"/><path d="M18 3l8 8M26 3l-8 8" stroke="var(--r1)" stroke-width="1.8"/>', 'lost') : null,
    make('span', { class: 'end' }, 'colours are origins'),
  ].filter(Boolean));
}
