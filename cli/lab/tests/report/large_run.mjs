// Makes up the run folder of a run that is too large to be shown whole: three replicas, a write every 100
// microseconds, a stale read in the middle, and the verdict that says so.
//
// Usage: node large_run.mjs FOLDER

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const OPERATIONS = 8000;
const START = 1_700_000_000_000_000_000n;

const traces = [[], [], []];
const history = [{ meta: { case: 'large', consistency: 'sequential', started_wall_ns: Number(START) } }];
const note = (replica, time, fields) => {
  // Written by hand, because these numbers are larger than JavaScript's are exact.
  traces[replica - 1].push([time, `{"replica":${replica},"wall_ns":${START + BigInt(time)},${JSON.stringify(fields).slice(1)}`]);
};

for (let number = 1; number <= OPERATIONS; number += 1) {
  const origin = (number % 3) + 1;
  const others = [1, 2, 3].filter((id) => id !== origin);
  const stamp = `${number}.${origin}`;
  const key = `k${number}`;
  const command = ['SET', key, `v${number}`];
  const time = number * 100_000;
  history.push({ process: origin, type: 'invoke', f: 'set', key, value: command[2], replica: origin, time });
  note(origin, time + 5_000, { event: 'request', client: `c${origin}`, command });
  for (const other of others) {
    note(origin, time + 5_000, { event: 'send', frame: 'MCAST', peer: other, stamp });
    note(other, time + 25_000, { event: 'receive', frame: 'MCAST', peer: origin, stamp });
    const third = others.find((id) => id !== other);
    for (const peer of [origin, third]) {
      note(other, time + 25_000, { event: 'send', frame: 'ACK', peer, stamp });
      note(peer, time + 45_000, { event: 'receive', frame: 'ACK', peer: other, stamp });
    }
  }
  for (const replica of [1, 2, 3]) note(replica, time + 45_000, { event: 'deliver', position: number, stamp, command });
  note(origin, time + 45_000, { event: 'reply', client: `c${origin}`, stamp, reply: '+OK' });
  history.push({ process: origin, type: 'ok', f: 'set', key, value: command[2], time: time + 60_000 });
  if (number === 4000) {
    history.push({ process: 9, type: 'invoke', f: 'get', key, replica: others[0], time: time + 70_000 });
    history.push({ process: 9, type: 'ok', f: 'get', key, value: null, time: time + 80_000 });
  }
}

const write = (name, text) => writeFileSync(join(folder, name), text);
mkdirSync(folder, { recursive: true });
traces.forEach((events, place) => {
  events.sort((a, b) => a[0] - b[0]);
  write(`replica-${place + 1}.trace.jsonl`, events.map(([, line]) => `${line}\n`).join(''));
});
write('history.jsonl', history.map((line) => `${JSON.stringify(line)}\n`).join(''));
const lineOf = (test) => history.findIndex(test) + 1;
write('verdict.json', JSON.stringify({
  checks: [{
    model: 'linearizable', verdict: 'no', counter_example: {
      words: '#1 was completed before #2 was invoked.\n#2 found nothing.',
      operations: [{ line: lineOf((line) => line.key === 'k4000') }, { line: lineOf((line) => line.process === 9) }],
    },
  }],
}));
