// The page of a run in a real browser: it loads without a complaint and without the network, draws as many
// arrows and marks as the trace has, and can be used with the mouse and by keys.
//
// Usage: node page.mjs CHROMIUM SMALL_RUN LARGE_RUN   (run folders, each with its report.html)

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [executablePath, small, large] = process.argv.slice(2);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const lines = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const tracesOf = (run) => readdirSync(run).filter((name) => name.endsWith('.trace.jsonl')).flatMap((name) => lines(join(run, name)));
const count = (list, event, frame) => list.filter((line) => line.event === event && line.frame === frame).length;

// Notes what is painted on the stage since it was last wiped: strokes from point to point, circles and boxes.
function notePaint() {
  window.painted = { strokes: [], circles: [], boxes: [] };
  const pen = CanvasRenderingContext2D.prototype;
  let way = { strokes: [], circles: [], boxes: [], at: [0, 0] };
  const note = (name, take) => {
    const original = pen[name];
    pen[name] = function (...of) {
      if (this.canvas.parentElement?.id === 'stage') take(...of);
      return original.apply(this, of);
    };
  };
  note('clearRect', () => { window.painted = { strokes: [], circles: [], boxes: [] }; });
  note('beginPath', () => { way = { strokes: [], circles: [], boxes: [], at: [0, 0] }; });
  note('moveTo', (px, py) => { way.at = [px, py]; });
  note('lineTo', (px, py) => { way.strokes.push([...way.at, px, py]); way.at = [px, py]; });
  note('arc', (px, py) => { way.circles.push([px, py]); });
  note('roundRect', (left, top, width, height) => { way.boxes.push([left, top, width, height]); });
  note('stroke', () => { window.painted.strokes.push(...way.strokes); });
  note('fill', () => { window.painted.circles.push(...way.circles); window.painted.boxes.push(...way.boxes); });
  note('fillRect', (...box) => { window.painted.boxes.push(box); });
}

// Opens a page that fails the test if it complains or asks for anything but itself.
async function open(browser, run, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1500, height: 950 }, reducedMotion: 'reduce', ...options });
  page.setDefaultTimeout(15000);
  await page.addInitScript(notePaint);
  const complaints = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.stack));
  page.on('request', (request) => { if (!/^(file|data):/.test(request.url())) complaints.push(`asks for ${request.url()}`); });
  await page.goto(pathToFileURL(join(run, 'report.html')).href);
  return { page, complaints };
}

// Everything between two frames has been drawn when this returns.
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));

async function press(page, key) {
  await page.keyboard.press(key);
  await settled(page);
}

async function countsEqualTheTrace(page, run) {
  const trace = tracesOf(run);
  await press(page, '0');
  const shown = await page.evaluate(() => {
    const { messages, deliveries, bars, drawn } = window.holdback;
    const of = (kind, test = () => true) => messages.filter((message) => message.kind === kind && test(message)).length;
    const arrived = (message) => message.received !== null && message.sent !== null;
    return {
      mcasts: of('MCAST'), acks: of('ACK'), mcastsArrived: of('MCAST', arrived), acksArrived: of('ACK', arrived),
      deliveries: deliveries.length, bars: bars.length, drawn: { ...drawn },
    };
  });
  const history = lines(join(run, 'history.jsonl'));
  const expected = {
    mcasts: count(trace, 'send', 'MCAST'), acks: count(trace, 'send', 'ACK'),
    mcastsArrived: count(trace, 'receive', 'MCAST'), acksArrived: count(trace, 'receive', 'ACK'),
    deliveries: trace.filter((line) => line.event === 'deliver').length,
    bars: history.filter((line) => line.type === 'invoke').length,
  };
  assert.ok(expected.mcasts > 0 && expected.acks > 0 && expected.deliveries > 0);
  const { drawn, ...found } = shown;
  assert.deepEqual(found, expected);
  assert.deepEqual(
    { bars: drawn.bars, messages: drawn.messages, deliveries: drawn.deliveries },
    { bars: expected.bars, messages: expected.mcasts + expected.acks, deliveries: expected.deliveries },
    'the whole run in sight shows all of it',
  );
}

// What the trace says is where it belongs on the stage: an arrow for each frame from line to line, a circle for each
// delivery, a box for each stay in a queue, for each operation and for the time of each fault.
async function everythingIsPainted(page, run) {
  const trace = tracesOf(run);
  const found = await page.evaluate(() => {
    window.holdback.draw();
    const { x, lanes, replicas, messages, bars, bands, deliveries, barBox } = window.holdback;
    const line = Object.fromEntries(replicas.map(({ id, index }) => [id, lanes.replicas[index].line]));
    return {
      painted: window.painted, line,
      // A frame as the trace has it, and where its arrow has to begin and to end.
      arrows: messages.map(({ kind, from, to, sent, received, entry }) => ({ what: `${kind} ${entry?.stamp} ${from.id} ${to.id}`, ends: [x(sent), line[from.id], x(Math.max(sent, received)), line[to.id]] })),
      marks: deliveries.map(({ replica, at }) => [x(at), line[replica.id]]),
      bars: bars.map((bar) => { const { left, top, width, height } = barBox(bar); return [left, top, width, height]; }),
      bands: bands.map(({ replica, from, to }) => [x(from), line[replica.id], to === null ? null : x(to)]),
    };
  });
  const { painted, arrows, marks, bars, bands, line } = found;
  const near = (one, other, most) => Math.abs(one - other) <= most;
  // Heads are filled, so a shaft ends a little before.
  const hasStroke = ([x1, y1, x2, y2]) => painted.strokes.some((stroke) => near(stroke[0], x1, 1) && near(stroke[1], y1, 1) && near(stroke[2], x2, 8) && near(stroke[3], y2, 8));
  for (const { what, ends } of arrows) assert.ok(hasStroke(ends), `no arrow is painted for ${what}`);
  const sends = trace.filter(({ event, frame }) => event === 'send' && (frame === 'MCAST' || frame === 'ACK'));
  const named = sends.map(({ frame, stamp, replica, peer }) => `${frame} ${stamp} ${replica} ${peer}`);
  assert.deepEqual(arrows.map(({ what }) => what).sort(), named.sort());
  const shafts = painted.strokes.filter(([x1, y1, x2, y2]) => arrows.some(({ ends }) => near(x1, ends[0], 1) && near(y1, ends[1], 1) && near(x2, ends[2], 8) && near(y2, ends[3], 8)));
  assert.ok(shafts.length >= arrows.length, `${shafts.length} shafts for ${arrows.length} frames`);
  for (const [px, py] of marks) assert.ok(painted.circles.some(([cx, cy]) => near(cy, py, 1) && cx >= px - 1 && cx <= px + 41), 'a delivery has no mark');
  for (const bar of bars) assert.ok(painted.boxes.some((box) => box.every((value, at) => near(value, bar[at], 1))), 'an operation has no bar');
  for (const [from, y] of bands) {
    const over = painted.boxes.filter(([left, top, , height]) => near(left, from, 2) && top > y - 32 && top + height <= y);
    assert.ok(over.length > 0, 'a fault has no stripe above its line');
  }
  const held = trace.filter(({ event, stamp }) => event === 'deliver' && stamp).length;
  const under = painted.boxes.filter(([, top, width, height]) => width >= 1 && height > 2 && height < 16 && Object.values(line).some((y) => top >= y + 12 && top < y + 60));
  assert.ok(under.length >= held, `${under.length} boxes below the lines for ${held} stays in a queue`);
}

// The colour at a point of the stage, as three numbers.
const colourAt = (page, px, py) => page.evaluate(([left, top]) => {
  const canvas = document.querySelector('#stage canvas');
  const ratio = canvas.width / canvas.clientWidth;
  const copy = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, left * ratio, top * ratio, 1, 1, 0, 0, 1, 1);
  return [...copy.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}, [px, py]);

const apart = (one, other) => one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0);

async function clickingLightsUpALife(page) {
  const box = await page.evaluate(() => {
    const { left, top, width, height } = window.holdback.barBox(window.holdback.bars[1]);
    return { px: left + width / 2, py: top + height / 2 };
  });
  const plain = await colourAt(page, box.px, box.py);
  const stage = await page.locator('#stage canvas').boundingBox();
  await page.mouse.click(stage.x + box.px, stage.y + box.py);
  await settled(page);
  const panel = await page.locator('#chosen').innerText();
  assert.match(panel, /SET x m2/);
  for (const step of ['invoked', 'request at replica 3', 'stamped 2.3', 'MCAST 3 → 1', 'MCAST 3 → 2', 'ACK 1 → 2', 'ACK 2 → 3', 'delivered at 2, position 2', 'reply from replica 3', 'completed']) {
    assert.ok(panel.includes(step), `${step} is missing in:\n${panel}`);
  }
  const life = await page.evaluate(() => {
    const { life } = window.holdback.state;
    return [life.messages.size, life.deliveries.size, life.stays.size];
  });
  assert.deepEqual(life, [6, 3, 3], 'two MCASTs, four ACKs, three deliveries, three times in a queue');
  assert.ok(apart(await colourAt(page, box.px, box.py), plain) < 30, 'the chosen operation keeps its colour');
  const other = await page.evaluate(() => {
    const { left, top, height } = window.holdback.barBox(window.holdback.bars[0]);
    return { px: left + 200, py: top + height / 2 };
  });
  const faded = await colourAt(page, other.px, other.py);
  await press(page, 'Escape');
  assert.ok(apart(await colourAt(page, other.px, other.py), faded) > 100, 'all others fade meanwhile');
  assert.match(await page.locator('#chosen').innerText(), /Click an operation/);
}

async function hoveringShowsTheQueues(page) {
  const place = await page.evaluate(() => ({ px: window.holdback.x(500_000), py: window.holdback.size.height - 8 }));
  const stage = await page.locator('#stage canvas').boundingBox();
  await page.mouse.move(stage.x + place.px, stage.y + place.py);
  await settled(page);
  const queues = (await page.locator('#queues').innerText()).split(/replica \d/);
  assert.match(queues[0], /Held back at 0\.5/);
  // Replica 2 holds m2 back, because replica 1 has not yet told it that it holds m2 as well.
  assert.match(queues[2], /2\.3\s+SET x m2\s+waits for 1\b/);
  assert.doesNotMatch(queues[2], /m1/);
  assert.match(queues[1], /SET x m1\s+waits for 2\b/);
  await page.mouse.move(2, 2);
}

async function keysStepThroughDeliveries(page, run) {
  const delivered = tracesOf(run).filter((line) => line.event === 'deliver');
  delivered.sort((a, b) => a.wall_ns - b.wall_ns || a.replica - b.replica);
  const expected = delivered.map((line) => `Replica ${line.replica} delivers position ${line.position}`);
  await page.locator('#stage').focus();
  const heard = [];
  for (let step = 0; step < expected.length; step += 1) {
    await press(page, 'ArrowRight');
    heard.push((await page.locator('#live').textContent()).split(':')[0]);
  }
  assert.deepEqual([...heard].sort(), [...expected].sort());
  const times = await page.evaluate(() => window.holdback.deliveries.map((delivery) => delivery.at));
  assert.deepEqual(times, [...times].sort((a, b) => a - b), 'in the order of time');
  assert.match(await page.locator('#queues').innerText(), /delivered now, position 2/);
  await press(page, 'ArrowLeft');
  assert.equal((await page.locator('#live').textContent()).split(':')[0], heard[expected.length - 2]);
  await press(page, 'Escape');
}

async function everythingElseByKeys(page) {
  const length = () => page.evaluate(() => window.holdback.view.to - window.holdback.view.from);
  const whole = await length();
  await press(page, '+');
  assert.ok(await length() < whole);
  await press(page, '0');
  assert.equal(await length(), whole);
  await press(page, 'n');
  assert.match(await page.locator('#chosen').innerText(), /SET x m1/);
  await press(page, 'f');
  assert.ok(await length() >= whole * 0.5, 'the life of m1 takes most of the run');
  await press(page, '0');
  await press(page, 'k');
  const { messages } = await page.evaluate(() => window.holdback.drawn);
  assert.equal(messages, 4, 'without ACKs the four MCASTs are left');
  await press(page, 'k');
  const dark = () => page.evaluate(() => document.documentElement.classList.contains('dark'));
  const before = await dark();
  await press(page, 't');
  assert.notEqual(await dark(), before);
  await press(page, 't');
  await press(page, '?');
  assert.ok(await page.locator('#help').isVisible());
  await press(page, 'Escape');
  assert.ok(!await page.locator('#help').isVisible());
  await press(page, '/');
  await page.keyboard.type('m2');
  await press(page, 'Enter');
  assert.match(await page.locator('#chosen').innerText(), /SET x m2/);
  await page.locator('#stage').focus();
  await press(page, 'Escape');
}

async function isPrintedOnOneSheet(page) {
  const printed = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
  assert.ok(printed.length > 20_000, 'something is printed');
  assert.equal(printed.match(/\/Type \/Page\b(?!s)/g).length, 1, 'sheets');
}

async function smallRun(browser) {
  const { page, complaints } = await open(browser, small);
  assert.equal(await page.locator('h1').innerText(), 'hold_back');
  assert.match(await page.locator('#verdicts').innerText(), /yes/);
  await countsEqualTheTrace(page, small);
  await everythingIsPainted(page, small);
  await clickingLightsUpALife(page);
  await hoveringShowsTheQueues(page);
  await keysStepThroughDeliveries(page, small);
  await everythingElseByKeys(page);
  await isPrintedOnOneSheet(page);
  assert.deepEqual(complaints, []);
  await page.close();

  const dark = await open(browser, small, { colorScheme: 'dark' });
  const [red, green, blue] = await colourAt(dark.page, 4, 4);
  assert.ok(red + green + blue < 200, 'whoever prefers dark gets dark');
  assert.deepEqual(dark.complaints, []);
  await dark.page.close();
}

async function largeRun(browser) {
  const bytes = statSync(join(large, 'report.html')).size;
  assert.ok(bytes < 2_000_000, `${bytes} bytes`);
  const { page, complaints } = await open(browser, large);
  const notes = await page.locator('#story').innerText();
  assert.match(notes, /everything is shown; of the rest one of \d+ operations/);
  assert.match(await page.locator('#verdicts').innerText(), /linearizable: no/);
  const counter = page.locator('#counter');
  assert.match(await counter.innerText(), /Not linearizable[\s\S]*#2 found/);
  const found = await page.evaluate(() => {
    const { bars, view, data } = window.holdback;
    const marked = bars.filter((bar) => bar.isMarked);
    return {
      calls: marked.map((bar) => bar.call), inSight: marked.every((bar) => bar.from >= view.from && bar.to <= view.to),
      total: data.total.operations, shown: bars.length,
    };
  });
  assert.deepEqual(found.calls, ['SET k4000 v4000', 'GET k4000']);
  assert.ok(found.inSight, 'the page opens at the counter-example');
  assert.equal(found.total, lines(join(large, 'history.jsonl')).filter((line) => line.type === 'invoke').length);
  assert.ok(found.shown < found.total);
  await counter.getByRole('button').nth(0).click();
  await settled(page);
  assert.match(await page.locator('#chosen').innerText(), /SET k4000 v4000/);
  await press(page, 'Escape');
  await press(page, '0');
  const { drawn, shown } = await page.evaluate(() => ({ drawn: { ...window.holdback.drawn }, shown: window.holdback.bars.length }));
  assert.equal(drawn.bars, shown);
  await press(page, 'ArrowRight');
  assert.match(await page.locator('#live').textContent(), /delivers position/);
  await press(page, 'Escape');
  await isPrintedOnOneSheet(page);
  assert.deepEqual(complaints, []);
  await page.close();
}

const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  await smallRun(browser);
  console.log('a small run: fine');
  await largeRun(browser);
  console.log('a large run: fine');
} finally {
  await browser.close();
}
