// Drawing the stage, from the ground up: grid, bands, lines, queues, bars, arrows. Only what is in sight is drawn.

const pen = canvas.getContext('2d');
const visible = (from, to) => (to ?? NEVER) >= view.from && from <= view.to;
// How much the last frame drew; what it drew once more because it is chosen counts once.
const drawn = { bars: 0, messages: 0, deliveries: 0, stays: 0, bands: 0 };
// Where labels stand already, so that none covers another.
let labels = [];

function draw() {
  labels = [];
  Object.keys(drawn).forEach((kind) => { drawn[kind] = 0; });
  pen.clearRect(0, 0, size.width, size.height);
  pen.fillStyle = style.card;
  pen.fillRect(0, 0, size.width, size.height);
  drawWindow();
  drawGrid();
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER - 10, AXIS, size.width - GUTTER + 10 - 6, size.height - AXIS);
  pen.clip();
  drawBands();
  drawLines();
  // What is chosen stands out because the rest steps back.
  const faded = state.life !== null;
  pen.globalAlpha = faded ? 0.2 : 1;
  drawScene({ bars, messages, deliveries, stays }, !faded);
  pen.globalAlpha = 1;
  if (faded) {
    const { life } = state;
    const counted = { ...drawn };
    drawScene({
      bars: life.bar ? [life.bar] : [], messages: [...life.messages], deliveries: [...life.deliveries], stays: [...life.stays],
    }, true, true);
    Object.assign(drawn, counted);
  }
  drawCounterExample();
  drawCursor();
  pen.restore();
  drawGutter();
  drawStrip();
}

function drawScene(things, labelled, isLife = false) {
  if (state.show.queues) drawStays(things.stays, labelled);
  if (state.show.clients) drawBars(things.bars, labelled, isLife);
  drawMessages(things.messages, labelled, isLife);
  drawDeliveries(things.deliveries, labelled, isLife);
}

// The stretch that is shown in full is white; what was thinned out lies in the shade.
function drawWindow() {
  if (!data.window) return;
  const [from, to] = data.window.map(x);
  pen.fillStyle = style.page;
  for (const [left, right] of [[GUTTER, from], [to, size.width - RIGHT]]) {
    const start = Math.max(GUTTER, left);
    const end = Math.min(size.width - RIGHT, right);
    if (end <= start) continue;
    pen.fillRect(start, AXIS, end - start, size.height);
    if (end - start > 150) {
      text(`1 of ${data.oneOf} operations`, (start + end) / 2, AXIS + 9, { colour: style.faint, align: 'center', font: `11px ${style.sans}` });
    }
  }
}

function drawGrid() {
  const step = niceStep((view.to - view.from) / Math.max(2, (size.width - GUTTER) / 120));
  pen.lineWidth = 1;
  for (let tick = Math.ceil(view.from / step) * step; tick <= view.to; tick += step) {
    const at = Math.round(x(tick)) + 0.5;
    pen.strokeStyle = style.grid;
    line(at, AXIS, at, size.height);
    text(readTime(tick, step), at, 20, { colour: style.soft, align: 'center', font: `11.5px ${style.sans}` });
  }
  pen.strokeStyle = style.rule;
  line(0, AXIS + 0.5, size.width, AXIS + 0.5);
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}

function drawBands() {
  for (const band of bands) {
    if (!visible(band.from, band.to)) continue;
    const left = Math.max(GUTTER - 10, x(band.from));
    const right = Math.min(size.width, band.to === null ? size.width : x(band.to));
    const wide = Math.max(1.5, right - left);
    const { line: y, pitch } = lanes.replicas[band.replica.index];
    const colour = style[band.trouble];
    const height = Math.min(13, 26 / band.replica.bandRows);
    const top = y - 30 + Math.min(band.row, 5) * height;
    drawn.bands += 1;
    pen.globalAlpha = band.trouble === 'pause' ? 0.13 : 0.05;
    pen.fillStyle = colour;
    pen.fillRect(left, y - 31, wide, pitch - 6);
    pen.globalAlpha = 0.2;
    pen.fillRect(left, top, wide, height - 1.5);
    pen.globalAlpha = 1;
    if (band.trouble !== 'delay') hatch(left, top, wide, height - 1.5, colour);
    if (height >= 10 && wide > 64) {
      const words = bandText(band);
      labels.push({ left, right: Math.min(left + words.length * 6, right), top, bottom: top + height });
      text(words, Math.max(left, GUTTER) + 6, top + height / 2 - 0.5, { colour, font: `600 10.5px ${style.sans}`, most: wide - 10, halo: band.trouble !== 'delay' });
    }
  }
}

function bandText(band) {
  if (band.trouble === 'delay') return `frames to ${band.peer} take ${band.text} longer`;
  if (band.trouble === 'pause') return 'paused';
  if (band.trouble === 'cut') return `link to ${band.peer} cut`;
  return `link to ${band.peer} down${band.text ? `: ${band.text}` : ''}`;
}

function hatch(left, top, width, height, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.38;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = Math.floor(left / 6) * 6 - height; at < left + width; at += 6) {
    pen.moveTo(at, top + height);
    pen.lineTo(at + height, top);
  }
  pen.stroke();
  pen.restore();
}

function drawLines() {
  const from = Math.max(GUTTER - 10, x(bounds.from));
  const to = Math.min(size.width - 6, x(bounds.to));
  pen.lineWidth = 1;
  pen.strokeStyle = style.rule;
  if (state.show.clients) lanes.clients.forEach((y) => line(from, Math.round(y) + 0.5, to, Math.round(y) + 0.5));
  for (const replica of replicas) {
    pen.strokeStyle = colourOf(replica.id);
    pen.lineWidth = 2;
    line(from, lineOf(replica), to, lineOf(replica));
    labels.push({ left: from, right: to, top: lineOf(replica) - 2, bottom: lineOf(replica) + 2 });
  }
}

// Bars for entries in the holdback queue; if it is deep, its depth.
function drawStays(list, labelled) {
  for (const replica of replicas) {
    const mine = list === stays ? replica.stays : list.filter((stay) => stay.replica === replica);
    const { line: y, pitch } = lanes.replicas[replica.index];
    const top = y + 13;
    const room = pitch - 34 - 22;
    if (replica.rows > 8 && list === stays) {
      drawDepth(mine, top, room);
      continue;
    }
    const height = Math.max(4, Math.min(16, room / Math.max(1, Math.min(replica.rows, 8))));
    for (const stay of mine) {
      if (!visible(stay.from, stay.to)) continue;
      const box = stayBox(stay, top, height);
      drawn.stays += 1;
      pen.fillStyle = colourOf(stay.entry.origin);
      pen.globalAlpha *= 0.24;
      roundBox(box.left, box.top, box.width, box.height, 3);
      pen.fill();
      pen.globalAlpha /= 0.24;
      if (labelled && height > 11 && box.width > 46) {
        const start = Math.max(box.left, GUTTER) + 5;
        const words = `${stay.entry.label}  ${stay.entry.text ?? ''}`;
        labels.push({ left: start, right: Math.min(start + words.length * 7, box.left + box.width), top: box.top, bottom: box.top + box.height });
        text(words, start, box.top + box.height / 2 + 0.5, { colour: colourOf(stay.entry.origin), font: `600 11px ${style.mono}`, most: box.width - 9 - Math.max(0, GUTTER - box.left) });
      }
    }
  }
}

function stayBox(stay, top, height) {
  const left = Math.max(GUTTER - 20, x(stay.from));
  const right = Math.min(size.width + 20, stay.to === null ? size.width + 20 : x(stay.to));
  return { left, top: top + Math.min(stay.row, 8) * height, width: Math.max(1.2, right - left), height: height - 2 };
}

function drawDepth(mine, top, room) {
  const steps = [];
  let before = 0;
  for (const stay of mine) {
    if (stay.from > view.to || (stay.to ?? NEVER) < view.from) continue;
    if (stay.from <= view.from) before += 1;
    else steps.push([stay.from, 1]);
    if (stay.to !== null && stay.to <= view.to) steps.push([stay.to, -1]);
    drawn.stays += 1;
  }
  if (!mine.length) return;
  steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const scale = Math.min(6, room / Math.max(1, mine[0].replica.rows));
  let depth = before;
  pen.beginPath();
  pen.moveTo(GUTTER - 10, top);
  pen.lineTo(GUTTER - 10, top + depth * scale);
  for (const [time, change] of steps) {
    const at = x(time);
    pen.lineTo(at, top + depth * scale);
    depth += change;
    pen.lineTo(at, top + depth * scale);
  }
  const edge = Math.min(size.width - 6, x(bounds.to));
  pen.lineTo(edge, top + depth * scale);
  pen.lineTo(edge, top);
  pen.closePath();
  pen.fillStyle = colourOf(mine[0].replica.id);
  pen.globalAlpha *= 0.2;
  pen.fill();
  pen.globalAlpha /= 0.2;
}

function barBox(bar) {
  const height = Math.min(20, lanes.rowHeight - Math.min(7, lanes.rowHeight * 0.25));
  const left = Math.max(GUTTER - 30, x(bar.from));
  const right = Math.min(size.width + 30, x(bar.to ?? bounds.to));
  return { left, top: lanes.clients[bar.client.index] - height / 2, width: Math.max(2, right - left), height };
}

function drawBars(list, labelled, isLife) {
  const wanted = labelled && state.show.labels && lanes.rowHeight >= 18;
  for (const bar of list) {
    if (!visible(bar.from, bar.to ?? bounds.to)) continue;
    drawn.bars += 1;
    const box = barBox(bar);
    const colour = colourOf(bar.replica ?? bar.client.replica);
    const alpha = pen.globalAlpha;
    if (isLife) connect(bar, box, colour);
    if (bar.end === 'ok' && box.width < 4) {
      pen.globalAlpha = alpha * (bar.isRead ? 0.4 : 0.85);
      pen.fillStyle = colour;
      pen.fillRect(box.left, box.top, box.width, box.height);
      pen.globalAlpha = alpha;
      if (wanted) labelBar(bar, box, colour);
      continue;
    }
    roundBox(box.left, box.top, box.width, box.height, Math.min(5, box.height / 3, box.width / 5));
    if (bar.end === 'ok') {
      pen.globalAlpha = alpha * (bar.isRead ? 0.3 : 0.85);
      pen.fillStyle = colour;
      pen.fill();
    } else {
      // It is not certain that it happened, or certain that it did not: a hollow bar, dashed if nobody knows.
      pen.globalAlpha = alpha * 0.14;
      pen.fillStyle = bar.end === 'fail' ? style.cut : style.delay;
      pen.fill();
      pen.globalAlpha = alpha;
      pen.strokeStyle = bar.end === 'fail' ? style.cut : style.delay;
      pen.lineWidth = 1.2;
      pen.setLineDash(bar.end === 'info' && box.width > 8 ? [4, 3] : []);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.globalAlpha = alpha;
    if (wanted) labelBar(bar, box, colour);
  }
}

function labelBar(bar, box, colour) {
  const left = Math.max(box.left, GUTTER);
  const inside = box.left + box.width - left - 12;
  const full = bar.answer && bar.answer !== 'OK' ? `${bar.call} → ${bar.answer}` : bar.call;
  const font = `600 11.5px ${style.mono}`;
  const filled = bar.end === 'ok' && !bar.isRead;
  const tone = filled ? style.card : bar.end === 'ok' ? colour : style.soft;
  pen.font = font;
  const y = box.top + box.height / 2 + 0.5;
  for (const wording of [full, bar.call]) {
    if (pen.measureText(wording).width <= inside) {
      text(wording, left + 6, y, { colour: tone, font });
      return;
    }
  }
  // Beside it, if nothing follows too soon.
  const place = bar.client.bars.indexOf(bar);
  const next = bar.client.bars[place + 1];
  const last = bar.client.bars[place - 1];
  const until = next ? x(next.from) : size.width - 6;
  const start = box.left + box.width + 5;
  const wide = pen.measureText(full).width + 6;
  const beside = bar.end === 'ok' ? colour : style.soft;
  if (box.width < 60 && until - start > wide) {
    text(full, start, y, { colour: beside, font });
  } else if (box.width < 60 && !next && box.left - wide > (last ? x(last.to ?? bounds.to) + 100 : GUTTER)) {
    text(full, box.left - 5, y, { colour: beside, font, align: 'right' });
  } else if (box.width < 34 && until - start > 46) {
    text(full, start, y, { colour: beside, font, most: until - start - 5 });
  } else if (inside > 34) {
    text(bar.call, left + 6, y, { colour: tone, font, most: inside });
  }
}

// The way of a request to its replica and of the reply back.
function connect(bar, box, colour) {
  const replica = replicaOf.get(bar.replica);
  if (!replica || bar.came === null) return;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.setLineDash([2, 3]);
  line(x(bar.from), box.top + box.height, x(bar.came), lineOf(replica));
  if (bar.replied !== null && bar.to !== null) line(x(bar.replied), lineOf(replica), x(bar.to), box.top + box.height);
  pen.setLineDash([]);
}

// --- small helpers ------------------------------------------------------------------------------------

function line(fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

function roundBox(left, top, width, height, radius) {
  pen.beginPath();
  pen.roundRect(left, top, width, Math.max(1, height), Math.min(radius, width / 2));
}

function text(words, px, py, { colour, align = 'left', font = `12px ${style.sans}`, most = NEVER, halo = false }) {
  pen.font = font;
  let shown = String(words);
  if (most !== NEVER && pen.measureText(shown).width > most) {
    while (shown.length > 1 && pen.measureText(`${shown}…`).width > most) shown = shown.slice(0, -1);
    shown += '…';
    if (shown.length < 3) return;
  }
  pen.textAlign = align;
  pen.textBaseline = 'middle';
  if (halo) {
    pen.strokeStyle = style.card;
    pen.lineWidth = 3.5;
    pen.lineJoin = 'round';
    pen.strokeText(shown, px, py);
  }
  pen.fillStyle = colour;
  pen.fillText(shown, px, py);
}
