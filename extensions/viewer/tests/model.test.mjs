// The browser's side of a widget, against what ipywidgets' protocol and anywidget's modules expect of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const built = '../../../src/panosc_analysis/documents/static';
const { Models } = await import(`${built}/host/models.js`);
const { packed, unpacked } = await import(`${built}/page/wire.js`);

function opened(state = { frame: 0, title: 'scan' }) {
  const sent = [];
  const models = new Models();
  models.open('a', { state }, [], { send: (data, buffers) => sent.push({ data, buffers }) });
  return { models, sent, model: models.get_model('a') };
}

test('what is set is told to listeners at once and to Python when it is saved', async () => {
  const { sent, model } = opened();
  const heard = [];
  const it = await model;
  it.on('change:frame', (_, value) => heard.push(value));
  it.set('frame', 3);
  it.set({ frame: 4, title: 'scan' });
  assert.deepEqual(heard, [3, 4]);
  assert.equal(sent.length, 0);
  it.save_changes();
  it.save_changes();
  assert.deepEqual(sent, [{ data: { method: 'update', state: { frame: 4, title: 'scan' }, buffer_paths: [] }, buffers: [] }]);
});

test('an update from Python changes the state and is not sent back', async () => {
  const { models, sent, model } = opened();
  const it = await model;
  const heard = [];
  it.on('change:frame', (_, value) => heard.push(value));
  it.on('change', () => heard.push('any'));
  models.receive('a', { method: 'update', state: { frame: 7 } }, []);
  models.receive('a', { method: 'echo_update', state: { frame: 1 } }, []);
  it.save_changes();
  assert.equal(it.get('frame'), 7);
  assert.deepEqual(heard, [7, 'any']);
  assert.deepEqual(sent, []);
});

test('binary values arrive as views at their places, also inside lists', async () => {
  const bytes = new DataView(new Uint8Array([1, 2, 3]).buffer);
  const models = new Models();
  const data = { state: { image: null, parts: [{ x: null }] }, buffer_paths: [['image'], ['parts', 0, 'x']] };
  models.open('b', data, [bytes, bytes], { send() {} });
  const it = await models.get_model('IPY_MODEL_b');
  assert.equal(it.get('image').getUint8(2), 3);
  assert.equal(it.get('parts')[0].x.getUint8(0), 1);
});

test('binary values are sent beside the rest, with their places', async () => {
  const { sent, model } = opened();
  const it = await model;
  it.set('mask', new Uint8Array([9, 8, 7, 6]).subarray(1, 3));
  it.save_changes();
  assert.deepEqual(sent[0].data, { method: 'update', state: { mask: null }, buffer_paths: [['mask']] });
  assert.deepEqual([...new Uint8Array(sent[0].buffers[0])], [8, 7]);
});

test('messages of the widget go both ways with their buffers', async () => {
  const { models, sent, model } = opened();
  const it = await model;
  const heard = [];
  const listen = (content, buffers) => heard.push([content, buffers.length]);
  it.on('msg:custom', listen);
  models.receive('a', { method: 'custom', content: { kind: 'picture' } }, [new DataView(new ArrayBuffer(1))]);
  it.off('msg:custom', listen);
  models.receive('a', { method: 'custom', content: { kind: 'picture' } }, []);
  it.send({ kind: 'frame' }, undefined, [new Uint8Array([5])]);
  assert.deepEqual(heard, [[{ kind: 'picture' }, 1]]);
  assert.deepEqual(sent[0].data, { method: 'custom', content: { kind: 'frame' } });
  assert.equal(sent[0].buffers.length, 1);
});

test('a widget that was closed is gone', async () => {
  const { models } = opened();
  models.close('a');
  models.receive('a', { method: 'update', state: {} }, []);
  await assert.rejects(models.get_model('a'), /no widget a/);
});

test('a frame of the page comes out as it went in', () => {
  const note = { kind: 'message', id: 'ä', data: { frame: 3 } };
  const { note: found, buffers } = unpacked(packed(note, [new Uint8Array([1, 2]).buffer, new ArrayBuffer(0)]));
  assert.deepEqual(found, note);
  assert.deepEqual(buffers.map((one) => one.byteLength), [2, 0]);
  assert.equal(buffers[0].getUint8(1), 2);
});
