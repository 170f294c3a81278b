// Reads what `holdback-lab export` writes as the tools do that it is for, none of which knows Holdback:
// ShiViz's way with a log, on the regular expression engine it runs on, and a library's reader of EDN.
//
//   node exports.mjs LAB RUN...
//
// LAB is the program holdback-lab, a RUN a run folder.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const { parseEDNString } = createRequire(import.meta.url)('edn-data');
const [lab, ...runs] = process.argv.slice(2);

function check(condition, what) {
  if (!condition) throw new Error(what);
}

function exported(format, run) {
  return execFileSync(lab, ['export', '--format', format, run], { encoding: 'utf8', maxBuffer: 1 << 30 });
}

// ---- ShiViz ----

// The first line is the expression, the second one tells executions apart, the rest is the log. Nothing may be
// left over between two matches.
function eventsOf(log) {
  const [expression, delimiter] = log.split('\n', 2);
  check(delimiter === '', 'the second line is not empty');
  const rest = log.slice(expression.length + 2);
  const events = [];
  let end = 0;
  for (const match of rest.matchAll(new RegExp(expression, 'gm'))) {
    check(rest.slice(end, match.index).trim() === '', `not read: ${rest.slice(end, match.index)}`);
    const { event, host, clock } = match.groups;
    events.push({ event, host, clock: JSON.parse(clock) });
    end = match.index + match[0].length;
  }
  check(rest.slice(end).trim() === '', `not read: ${rest.slice(end)}`);
  check(events.length > 0 && events.length * 2 === rest.trim().split('\n').length, 'an event is two lines');
  return events;
}

// Whether a clock knows of an event: it has counted at least as many of its host's events.
const knows = (clock, { host, clock: other }) => (clock[host] ?? 0) >= other[host];

function checkClocks(events) {
  const last = {};
  const seen = {};
  for (const { event, host, clock } of events) {
    const before = last[host] ?? {};
    check(clock[host] === (before[host] ?? 0) + 1, `${host} does not count by one: ${event}`);
    for (const [other, count] of Object.entries(before)) check(clock[other] >= count, `${host} forgets ${other}: ${event}`);
    // What is known of another host has been written before.
    for (const [other, count] of Object.entries(clock)) check(other === host || count <= seen[other], `${host} knows the future of ${other}: ${event}`);
    last[host] = clock;
    seen[host] = clock[host];
  }
}

// The event that another one follows, in words, and at which hosts it may be.
function causeOf({ event, host }) {
  const received = event.match(/^receive (\S+ \S+) from (\d+)$/);
  if (received) return { what: `send ${received[1]} to ${host.slice('replica-'.length)}`, at: (other) => other === `replica-${received[2]}` };
  const request = event.match(/^request (.*)$/);
  if (request && host.startsWith('replica-')) return { what: request[1], at: (other) => !other.startsWith('replica-') };
  return null;
}

function checkCauses(events) {
  const named = new Map();
  for (const event of events) named.set(event.event, [...(named.get(event.event) ?? []), event]);
  let found = 0;
  for (const event of events) {
    const cause = causeOf(event);
    const candidates = cause ? (named.get(cause.what) ?? []).filter((other) => cause.at(other.host)) : [];
    if (candidates.length === 0) continue;
    check(candidates.some((other) => knows(event.clock, other)), `${event.host}: ${event.event} does not know of ${cause.what}`);
    found += 1;
  }
  return found;
}

// ---- Jepsen ----

const isKeyword = (value) => typeof value?.key === 'string';
const isString = (value) => typeof value === 'string';

// A map whose keys are keywords, as an object.
function objectOf(edn) {
  check(Array.isArray(edn?.map), 'a line is no map');
  return Object.fromEntries(edn.map.map(([key, value]) => {
    check(isKeyword(key), 'a key is no keyword');
    return [key.key, value];
  }));
}

// What a value looks like: that of a register among independent ones, or a list of micro-operations, each with
// its name, key and value in the places where Elle looks for them.
function checkValue({ f, value, type }) {
  check(Array.isArray(value), `:value is no vector: ${JSON.stringify(value)}`);
  const what = JSON.stringify({ f, value, type });
  if (f.key === 'txn') {
    for (const part of value) check(Array.isArray(part) && part.length >= 3 && isKeyword(part[0]) && isString(part[1]), what);
    return;
  }
  const [key, second] = value;
  check(isString(key), what);
  if (f.key === 'read') check(value.length === 2 && (second === null || isString(second)) && (type.key !== 'invoke' || second === null), what);
  if (f.key === 'write') check(value.length === 2 && isString(second), what);
  if (f.key === 'cas') check(value.length === 2 && Array.isArray(second) && second.length === 2 && second.every(isString), what);
}

function checkHistory(text) {
  const open = new Map();
  const ended = new Set();
  const counts = { invoke: 0, ok: 0, fail: 0, info: 0 };
  let last = -1;
  for (const [at, line] of text.trim().split('\n').entries()) {
    const operation = objectOf(parseEDNString(line));
    const { type, f, process, index, time } = operation;
    const where = `line ${at + 1}: ${line}`;
    check(isKeyword(type) && type.key in counts && isKeyword(f) && Number.isInteger(process), where);
    check(index === at && (time === undefined || time >= last), where);
    last = time ?? last;
    checkValue(operation);
    counts[type.key] += 1;
    if (type.key === 'invoke') {
      check(!open.has(process) && !ended.has(process), `${where}: the process is not free`);
      open.set(process, operation);
      continue;
    }
    const invoked = open.get(process);
    check(invoked?.f.key === f.key, `${where}: what is completed is not what was invoked`);
    check(f.key === 'txn' || invoked.value[0] === operation.value[0], `${where}: another key`);
    open.delete(process);
    if (type.key === 'info') ended.add(process);
  }
  check(counts.invoke === counts.ok + counts.fail + counts.info + open.size, 'completions are missing');
  return counts;
}

for (const run of runs) {
  const events = eventsOf(exported('shiviz', run));
  checkClocks(events);
  const followed = checkCauses(events);
  check(followed > 0, 'no event follows one of another host');
  const { invoke, ok, fail, info } = checkHistory(exported('jepsen', run));
  console.log(`ShiViz reads ${events.length} events, ${followed} of which follow one of another host; Jepsen ${invoke} operations: ${ok} ok, ${fail} failed, ${info} unknown`);
}
