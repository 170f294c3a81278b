// The story with ioredis and node-redis, as a user would write it: default options throughout.
//
// Usage: story.mjs PORT MODEL   (run where both packages can be found)
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const Redis = require("ioredis");
const { createClient } = require("redis");

const port = Number(process.argv[2]);
const ordered = process.argv[3] !== "eventual";

async function ioredis() {
  const r = new Redis(port);
  const key = `io:${port}:`;
  assert.equal(await r.set(key + "a", "1"), "OK");
  assert.equal(await r.get(key + "a"), "1");
  assert.equal(await r.get(key + "none"), null);
  const binary = Buffer.from([0, 13, 10, 255]);
  await r.set(key + "binary", binary);
  assert.deepEqual(await r.getBuffer(key + "binary"), binary);
  await r.mset(key + "m1", "1", key + "m2", "2");
  assert.deepEqual(await r.mget(key + "m1", key + "none", key + "m2"), ["1", null, "2"]);
  const found = [];
  for await (const keys of r.scanStream({ match: key + "*", count: 2 })) found.push(...keys);
  assert.deepEqual([...new Set(found)].sort(), ["a", "binary", "m1", "m2"].map((k) => key + k));
  assert.equal(await r.del(key + "m1", key + "m2"), 2);
  await assert.rejects(r.lpush(key + "l", 1), /LPUSH works on lists/);
  const replies = await r.pipeline().set(key + "p", "1").get(key + "p").exec();
  assert.deepEqual(replies, [[null, "OK"], [null, "1"]]);
  if (ordered) {
    await r.del(key + "n");
    assert.deepEqual(await Promise.all([r.incr(key + "n"), r.incr(key + "n")]), [1, 2]);
    const done = await r.multi().incr(key + "n").get(key + "n").exec();
    assert.deepEqual(done, [[null, 3], [null, "3"]]);
    const other = new Redis(port);
    await r.watch(key + "n");
    await other.set(key + "n", "9");
    assert.equal(await r.multi().set(key + "n", "10").exec(), null);
    other.disconnect();
  } else {
    await assert.rejects(r.incr(key + "n"), /NEEDSORDER/);
  }
  await r.quit();
}

async function nodeRedis() {
  const r = createClient({ url: `redis://127.0.0.1:${port}` });
  const failures = [];
  r.on("error", (error) => failures.push(error));
  await r.connect();
  const key = `node:${port}:`;
  assert.equal(await r.set(key + "a", "1"), "OK");
  assert.equal(await r.get(key + "a"), "1");
  assert.equal(await r.get(key + "none"), null);
  assert.equal(await r.mSet({ [key + "m1"]: "1", [key + "m2"]: "2" }), "OK");
  assert.deepEqual(await r.mGet([key + "m1", key + "none", key + "m2"]), ["1", null, "2"]);
  const found = new Set();
  for await (const keys of r.scanIterator({ MATCH: key + "*", COUNT: 2 })) [keys].flat().forEach((k) => found.add(k));
  assert.deepEqual([...found].sort(), ["a", "m1", "m2"].map((k) => key + k));
  assert.equal(await r.del([key + "m1", key + "m2"]), 2);
  await assert.rejects(r.lPush(key + "l", "1"), /LPUSH works on lists/);
  if (ordered) {
    await r.del(key + "n");
    assert.deepEqual(await Promise.all([r.incr(key + "n"), r.incr(key + "n")]), [1, 2]);
    assert.deepEqual(await r.multi().incr(key + "n").get(key + "n").exec(), [3, "3"]);
    const other = r.duplicate();
    await other.connect();
    await r.watch(key + "n");
    await other.set(key + "n", "9");
    await assert.rejects(r.multi().set(key + "n", "10").exec(), /watched/i);
    await other.close();
  } else {
    await assert.rejects(r.incr(key + "n"), /NEEDSORDER/);
  }
  await r.close();
  assert.deepEqual(failures, []);
}

await ioredis();
await nodeRedis();
