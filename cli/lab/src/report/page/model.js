// The run: rows of the embedded JSON made into objects that know each other. Times are microseconds.

const data = JSON.parse(document.getElementById('data').textContent);
const KINDS = ['MCAST', 'ACK', 'UPDATE', 'ENTRY', 'ROUND'];
const ENDS = ['ok', 'fail', 'info'];
const TROUBLES = ['delay', 'cut', 'down', 'pause'];

const replicas = data.replicas.map((id, index) => ({ id, index, stays: [], bands: [], deliveries: [] }));
const replicaOf = new Map(replicas.map((replica) => [replica.id, replica]));
const clients = data.clients.map(([name, replica], index) => ({ name, replica, index, bars: [] }));

const entries = data.entries.map(([stamp, text, at], index) => {
  const point = stamp.lastIndexOf('.');
  return {
    index, stamp, text, at, time: Number(stamp.slice(0, point)), origin: Number(stamp.slice(point + 1)),
    label: shortStamp(stamp, point), bar: null, messages: [], deliveries: [], stays: [],
  };
});

// Stamps of the eventual model are wall times in microseconds: only their ends differ within a run.
function shortStamp(stamp, point) {
  return point > 10 ? `…${stamp.slice(point - 6)}` : stamp;
}

const bars = data.bars.map((row, index) => {
  const [client, process, from, to, end, call, isRead, answer, replica, came, replied, entry, position, line, marked, others = []] = row;
  const of = entry === null ? null : entries[entry];
  const bar = {
    type: 'bar', index, client: clients[client], process, from, to, end: ENDS[end], call: call ?? of?.text ?? '',
    isRead: isRead === 1, answer, replica, came, replied, entry: of, position, line, isMarked: marked === 1,
  };
  // In the eventual model an MSET becomes an entry for each key.
  bar.entries = of ? [of, ...others.map((other) => entries[other])] : [];
  for (const each of bar.entries) each.bar ??= bar;
  bar.client.bars.push(bar);
  return bar;
});

// Operations of a counter-example have the numbers that its words use.
for (const [, , , places] of data.judged.models) places.forEach((place, number) => { bars[place].mark ??= number + 1; });

const messages = data.messages.map(([kind, from, to, sent, received, entry], index) => {
  const message = {
    type: 'message', index, kind: KINDS[kind], from: replicaOf.get(from), to: replicaOf.get(to), sent, received,
    entry: entry === null ? null : entries[entry],
  };
  message.entry?.messages.push(message);
  return message;
}).filter((message) => message.from && message.to);

const deliveries = data.deliveries.map(([replica, at, entry, position], index) => {
  const delivery = { type: 'delivery', index, replica: replicaOf.get(replica), at, entry: entries[entry], position };
  delivery.entry.deliveries.push(delivery);
  delivery.replica.deliveries.push(delivery);
  return delivery;
});

// Others know of each other replica, in the order of ids, since when it is known to hold the entry.
const stays = data.stays.map(([replica, entry, from, to, clock, known], index) => {
  const stay = { type: 'stay', index, replica: replicaOf.get(replica), entry: entries[entry], from, to, clock, known: new Map(), row: 0 };
  const others = data.replicas.filter((id) => id !== replica);
  others.forEach((id, place) => stay.known.set(id, known[place]));
  stay.entry.stays.push(stay);
  stay.replica.stays.push(stay);
  return stay;
});

const bands = data.bands.map(([trouble, replica, peer, from, to, text], index) => {
  const band = { type: 'band', index, trouble: TROUBLES[trouble], replica: replicaOf.get(replica), peer, from, to, text };
  band.replica?.bands.push(band);
  return band;
}).filter((band) => band.replica);

const span = { from: data.span[0], to: data.span[1] };
const NEVER = Infinity;

// Rows for the stays of a queue, so that none covers another; and since when all before are over.
for (const replica of replicas) {
  replica.stays.sort((a, b) => a.from - b.from || compareStamps(a.entry, b.entry));
  const free = [];
  let latest = -NEVER;
  for (const stay of replica.stays) {
    let row = free.findIndex((until) => until <= stay.from);
    if (row < 0) row = free.length;
    stay.row = row;
    free[row] = stay.to ?? NEVER;
    latest = Math.max(latest, free[row]);
    stay.latest = latest;
  }
  replica.rows = free.length;
  const peers = [...new Set(replica.bands.map((band) => band.peer))].sort((a, b) => a - b);
  for (const band of replica.bands) band.row = peers.indexOf(band.peer);
  replica.bandRows = Math.max(1, peers.length);
}

function compareStamps(a, b) {
  return a.time - b.time || a.origin - b.origin;
}

// The first place in a sorted list whose value is greater than a limit.
function placeAfter(list, limit, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(list[middle]) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

// What a replica holds back at a time, head first. What it delivers at that very time is still there.
function queueAt(replica, time) {
  const held = [];
  for (let at = placeAfter(replica.stays, time, (stay) => stay.from) - 1; at >= 0; at -= 1) {
    const stay = replica.stays[at];
    if ((stay.latest ?? NEVER) < time) break;
    if ((stay.to ?? NEVER) >= time) held.push(stay);
  }
  return held.sort((a, b) => compareStamps(a.entry, b.entry));
}

function waitsFor(stay, time) {
  return [...stay.known].filter(([, since]) => since === null || since > time).map(([id]) => id);
}

function clockAt(replica, time) {
  const at = placeAfter(replica.stays, time, (stay) => stay.from) - 1;
  return at < 0 ? null : replica.stays[at].clock;
}

function positionAt(replica, time) {
  const at = placeAfter(replica.deliveries, time, (delivery) => delivery.at) - 1;
  return at < 0 ? 0 : replica.deliveries[at].position;
}

// Acks by where and when they arrive: a later ack of an origin acknowledges its earlier entries too.
const acksByArrival = new Map();
for (const message of messages) {
  if (message.kind === 'ACK' && message.entry && message.received !== null) {
    acksByArrival.set(arrival(message.to.id, message.from.id, message.entry.origin, message.received), message);
  }
}

function arrival(to, from, origin, time) {
  return `${to} ${from} ${origin} ${time}`;
}

// Everything that belongs to a bar, a message, a delivery, a stay or an entry.
function lifeOf(thing) {
  const entry = thing.type ? thing.entry ?? null : thing;
  const bar = thing.type === 'bar' ? thing : entry?.bar ?? null;
  const mine = thing.type === 'bar' ? bar.entries : entry ? [entry] : [];
  const life = { bar, entry, entries: mine, messages: new Set(thing.type === 'message' ? [thing] : []), deliveries: new Set(), stays: new Set() };
  for (const each of mine) {
    each.messages.forEach((message) => life.messages.add(message));
    each.deliveries.forEach((delivery) => life.deliveries.add(delivery));
    for (const stay of each.stays) {
      life.stays.add(stay);
      for (const [id, since] of stay.known) {
        const ack = since === null ? null : acksByArrival.get(arrival(stay.replica.id, id, each.origin, since));
        if (ack) life.messages.add(ack);
      }
    }
  }
  return life;
}
