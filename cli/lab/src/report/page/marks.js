// Drawing what goes to and fro and what comes of it: arrows, deliveries, the cursor, the names of the lines,
// and the strip of the whole run.

function drawMessages(list, labelled, isLife) {
  const inSight = list.filter((message) => isShown(message) && visible(...ends(message)));
  const strong = inSight.filter((message) => message.kind !== 'ACK' && message.kind !== 'ROUND');
  const light = inSight.filter((message) => message.kind === 'ACK' || message.kind === 'ROUND');
  drawn.messages += inSight.length;
  const toneOfArrow = (message) => colourOf(message.entry?.origin ?? message.from.id);
  if (light.length > CROWD) drawCrowd(light, () => style.ack);
  else light.forEach((message) => arrow(message, isLife ? style.soft : style.ack, isLife ? 1.3 : 1, 4.5));
  if (strong.length > CROWD) drawCrowd(strong, toneOfArrow);
  else strong.forEach((message) => arrow(message, toneOfArrow(message), isLife ? 2.2 : 1.7, 6.5));
  if (!labelled || !state.show.labels) return;
  if (strong.length <= 70) strong.forEach((message) => labelArrow(message, message.entry?.label ?? '', colourOf(message.entry?.origin), 0.34));
  if (light.length <= (isLife ? 40 : 24)) light.forEach((message) => labelArrow(message, message.kind === 'ACK' ? `ack ${message.entry?.label ?? ''}` : 'round', style.soft, 0.62));
}

// A crowd of arrows is a texture: lines without heads, the lighter the more there are, each colour in one go.
const CROWD = 500;
function drawCrowd(list, tone) {
  const ways = new Map();
  for (const message of list) {
    const colour = tone(message);
    if (!ways.has(colour)) ways.set(colour, new Path2D());
    const { fromX, fromY, toX, toY } = path(message);
    ways.get(colour).moveTo(fromX, fromY);
    ways.get(colour).lineTo(toX, toY);
  }
  const alpha = pen.globalAlpha;
  pen.globalAlpha = alpha * Math.max(0.22, Math.min(0.7, 900 / list.length));
  pen.lineWidth = 1;
  for (const [colour, way] of ways) {
    pen.strokeStyle = colour;
    pen.stroke(way);
  }
  pen.globalAlpha = alpha;
}

const isShown = (message) => state.show.acks || (message.kind !== 'ACK' && message.kind !== 'ROUND');

// The two moments of a message. One that was lost goes half of its way; one whose sender is unknown comes
// from nowhere. Clocks of one turn may seem to run backwards by microseconds: then it took no time.
function ends(message) {
  const { sent, received } = message;
  if (sent === null) return [received, received];
  if (received === null) return [sent, sent];
  return [sent, Math.max(sent, received)];
}

function path(message) {
  const [from, to] = ends(message).map(x);
  const start = lineOf(message.from);
  const end = lineOf(message.to);
  if (message.received === null) return { fromX: from, fromY: start, toX: from + 10, toY: start + (end - start) * 0.4, lost: true };
  if (message.sent === null) return { fromX: to - 8, fromY: end + (start - end) * 0.3, toX: to, toY: end };
  return { fromX: from, fromY: start, toX: to, toY: end };
}

function arrow(message, colour, width, head) {
  const { fromX, fromY, toX, toY, lost } = path(message);
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  pen.lineWidth = width;
  const angle = Math.atan2(toY - fromY, toX - fromX);
  if (lost) {
    pen.setLineDash([4, 3]);
    line(fromX, fromY, toX, toY);
    pen.setLineDash([]);
    pen.lineWidth = 1.8;
    line(toX - 4, toY - 4, toX + 4, toY + 4);
    line(toX - 4, toY + 4, toX + 4, toY - 4);
    return;
  }
  line(fromX, fromY, toX - Math.cos(angle) * head * 0.8, toY - Math.sin(angle) * head * 0.8);
  pen.beginPath();
  pen.moveTo(toX, toY);
  pen.lineTo(toX - head * Math.cos(angle - 0.4), toY - head * Math.sin(angle - 0.4));
  pen.lineTo(toX - head * Math.cos(angle + 0.4), toY - head * Math.sin(angle + 0.4));
  pen.closePath();
  pen.fill();
}

function labelArrow(message, words, colour, share) {
  const { fromX, fromY, toX, toY } = path(message);
  const font = `600 11px ${style.mono}`;
  pen.font = font;
  const wide = pen.measureText(words).width;
  // A steep arrow is labelled beside it, a flat one on it.
  const steep = Math.abs(toX - fromX) < Math.abs(toY - fromY) * 0.7;
  for (const at of [share, share + 0.14, share - 0.14, share + 0.26]) {
    const px = fromX + (toX - fromX) * at + (steep ? 5 : -wide / 2);
    const py = fromY + (toY - fromY) * at;
    if (px < GUTTER || px + wide > size.width - 4) continue;
    const box = { left: px - 2, right: px + wide + 2, top: py - 7, bottom: py + 7 };
    if (!isFree(box)) continue;
    labels.push(box);
    text(words, px, py, { colour, font, halo: true });
    return;
  }
}

const isFree = (box) => !labels.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top);

// Positions in circles where there is room, otherwise dots. Several at one moment stand side by side.
function drawDeliveries(list, labelled, isLife) {
  if (labelled && entries.length) drawStamps(isLife ? state.life.entries : entries, isLife);
  for (const replica of replicas) {
    const mine = list === deliveries ? replica.deliveries : list.filter((delivery) => delivery.replica === replica);
    const first = placeAfter(mine, view.from - perPixel() * 60, (delivery) => delivery.at);
    const last = placeAfter(mine, view.to, (delivery) => delivery.at);
    const near = mine.slice(first, last);
    drawn.deliveries += near.length;
    const spread = size.width / Math.max(1, near.length);
    let taken = -NEVER;
    for (const delivery of near) {
      const exact = x(delivery.at);
      const isChosen = state.chosen === delivery;
      const radius = isLife || spread > 26 ? 9 : spread > 9 ? 3.5 : 1.8;
      // What is chosen stands where it stood among the others.
      const at = isLife ? delivery.drawnAt : radius < 9 ? exact : Math.max(exact, Math.min(taken + radius * 2 + 2, exact + 40));
      taken = at;
      delivery.drawnAt = at;
      mark(delivery, at, lineOf(replica), radius, isChosen);
    }
  }
}

function mark(delivery, at, y, radius, isChosen) {
  const colour = colourOf(delivery.entry.origin);
  if (radius < 2 && !isChosen) {
    pen.fillStyle = colour;
    pen.fillRect(at - radius, y - radius, radius * 2, radius * 2);
    return;
  }
  pen.beginPath();
  pen.arc(at, y, radius + (isChosen ? 2 : 0), 0, 7);
  pen.fillStyle = colour;
  pen.fill();
  if (radius < 9) return;
  labels.push({ left: at - 10, right: at + 10, top: y - 10, bottom: y + 10 });
  pen.lineWidth = isChosen ? 3 : 1.8;
  pen.strokeStyle = isChosen ? style.ink : style.card;
  pen.stroke();
  const words = String(delivery.position);
  text(words, at, y + 0.5, { colour: style.card, align: 'center', font: `700 ${words.length > 3 ? 8 : words.length > 2 ? 9 : 11}px ${style.sans}` });
}

// Where an entry was stamped: a small diamond on its origin's line, and the stamp above.
function drawStamps(list, isLife) {
  const near = list.filter((entry) => entry.at >= view.from && entry.at <= view.to && replicaOf.has(entry.origin));
  if (near.length > 220 && !isLife) return;
  for (const entry of near) {
    const px = x(entry.at);
    const y = lineOf(replicaOf.get(entry.origin));
    pen.fillStyle = colourOf(entry.origin);
    pen.strokeStyle = style.card;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(px, y - 6);
    pen.lineTo(px + 6, y);
    pen.lineTo(px, y + 6);
    pen.lineTo(px - 6, y);
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
}

function drawCounterExample() {
  for (const bar of bars) {
    if (!bar.isMarked || !visible(bar.from, bar.to ?? bounds.to)) continue;
    const box = barBox(bar);
    pen.strokeStyle = style.bad;
    pen.lineWidth = 2.2;
    roundBox(box.left - 3, box.top - 3, box.width + 6, box.height + 6, 7);
    pen.stroke();
    pen.fillStyle = style.bad;
    pen.beginPath();
    pen.arc(box.left - 3, box.top - 3, 8, 0, 7);
    pen.fill();
    text(bar.mark, box.left - 3, box.top - 2.5, { colour: style.card, align: 'center', font: `700 10.5px ${style.sans}` });
  }
}

function drawCursor() {
  const time = state.cursor ?? state.pinned;
  if (time === null || time < view.from || time > view.to || state.printing) return;
  const at = Math.round(x(time)) + 0.5;
  pen.strokeStyle = state.cursor === null ? style.ink : style.faint;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.75;
  line(at, AXIS, at, size.height);
  pen.globalAlpha = 1;
}

// The names of the lines, over everything that passes beneath, and the time of the cursor.
function drawGutter() {
  pen.fillStyle = style.card;
  pen.fillRect(0, AXIS + 1, GUTTER - 10, size.height);
  const small = Math.min(12, lanes.rowHeight - 2);
  if (state.show.clients && lanes.rowHeight >= 11) {
    for (const client of clients) {
      text(client.name, 16, lanes.clients[client.index], { colour: style.soft, font: `${small}px ${style.sans}`, most: GUTTER - 58 });
      if (client.replica !== null) text(`→ ${client.replica}`, GUTTER - 20, lanes.clients[client.index], { colour: colourOf(client.replica), align: 'right', font: `600 ${small}px ${style.sans}` });
    }
  } else if (state.show.clients) {
    nameGroups();
  }
  for (const replica of replicas) {
    const y = lineOf(replica);
    text(`replica ${replica.id}`, 16, y, { colour: colourOf(replica.id), font: `650 13.5px ${style.sans}` });
    if (replica.stays.length && state.show.queues) text('held back', 16, y + 22, { colour: style.faint, font: `11px ${style.sans}` });
  }
  const time = state.cursor ?? state.pinned;
  if (time !== null && time >= view.from && time <= view.to && !state.printing) {
    const words = readTime(time, perPixel());
    pen.font = `600 11.5px ${style.sans}`;
    const wide = pen.measureText(words).width + 14;
    const left = Math.min(Math.max(x(time) - wide / 2, 4), size.width - wide - 4);
    pen.fillStyle = style.ink;
    roundBox(left, 8, wide, 22, 6);
    pen.fill();
    text(words, left + wide / 2, 19.5, { colour: style.card, align: 'center', font: `600 11.5px ${style.sans}` });
  }
}

// Lines too narrow to have a name each: how many clients each replica has.
function nameGroups() {
  for (const id of new Set(clients.map((client) => client.replica))) {
    const group = clients.filter((client) => client.replica === id);
    const y = (lanes.clients[group[0].index] + lanes.clients[group[group.length - 1].index]) / 2;
    text(count(group.length, 'client', 'clients'), 16, y, { colour: style.soft, font: `12px ${style.sans}` });
    if (id !== null) text(`→ ${id}`, GUTTER - 20, y, { colour: colourOf(id), align: 'right', font: `600 12px ${style.sans}` });
  }
}

// The whole run in a strip: small bars if there are few, otherwise how much was completed and what was held back.
function drawStrip() {
  const brush = strip.getContext('2d');
  const width = strip.clientWidth;
  const height = strip.clientHeight;
  const at = (time) => ((time - bounds.from) / (bounds.to - bounds.from)) * width;
  brush.clearRect(0, 0, width, height);
  for (const band of bands) {
    brush.fillStyle = style[band.trouble];
    brush.globalAlpha = 0.55;
    brush.fillRect(at(band.from), height - 4, Math.max(1, at(band.to ?? bounds.to) - at(band.from)), 4);
  }
  brush.globalAlpha = 1;
  if (data.oneOf === 1 && bars.length <= 300) {
    const row = (height - 16) / Math.max(1, clients.length);
    for (const bar of bars) {
      brush.fillStyle = bar.isMarked ? style.bad : colourOf(bar.replica ?? bar.client.replica);
      brush.globalAlpha = bar.isRead ? 0.45 : 0.85;
      brush.fillRect(at(bar.from), 6 + row * bar.client.index, Math.max(1.5, at(bar.to ?? bounds.to) - at(bar.from)), Math.max(1, Math.min(6, row - 1)));
    }
  } else {
    drawTotals(brush, at, height - 4);
  }
  brush.globalAlpha = 1;
  const left = at(view.from);
  const right = at(view.to);
  brush.fillStyle = style.page;
  brush.globalAlpha = 0.72;
  brush.fillRect(0, 0, left, height);
  brush.fillRect(right, 0, width - right, height);
  brush.globalAlpha = 1;
  brush.strokeStyle = style.soft;
  brush.lineWidth = 1.5;
  brush.beginPath();
  brush.roundRect(left + 0.75, 0.75, Math.max(3, right - left - 1.5), height - 1.5, 5);
  brush.stroke();
}

function drawTotals(brush, at, height) {
  const { operations, troubled, held } = data.overview;
  const count = operations.length;
  const edge = (place) => at(span.from + ((span.to - span.from) * place) / count);
  const most = Math.max(1, ...operations);
  operations.forEach((value, place) => {
    const left = edge(place);
    const wide = Math.max(1, edge(place + 1) - left - 0.5);
    brush.globalAlpha = 0.5;
    brush.fillStyle = style.faint;
    brush.fillRect(left, height - (value / most) * (height - 8), wide, (value / most) * (height - 8));
    brush.globalAlpha = 0.9;
    brush.fillStyle = style.delay;
    brush.fillRect(left, height - (troubled[place] / most) * (height - 8), wide, (troubled[place] / most) * (height - 8));
  });
  const deepest = Math.max(1, ...held.flat());
  brush.lineWidth = 1.3;
  held.forEach((levels, index) => {
    brush.globalAlpha = 0.9;
    brush.strokeStyle = colourOf(data.replicas[index]);
    brush.beginPath();
    levels.forEach((level, place) => brush.lineTo(edge(place + 0.5), height - 2 - (level / deepest) * (height - 10)));
    brush.stroke();
  });
  brush.fillStyle = style.bad;
  brush.globalAlpha = 1;
  marked.forEach((bar) => brush.fillRect(at(bar.from) - 1, 0, 2, height));
  if (data.window) {
    brush.fillStyle = style.ink;
    brush.globalAlpha = 0.7;
    brush.fillRect(at(data.window[0]), 0, Math.max(2, at(data.window[1]) - at(data.window[0])), 2);
  }
}
