'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { merge } = require('../src/settings');

test('nested settings are merged', () => {
  assert.deepStrictEqual(merge({ a: { b: 1, c: 2 } }, { a: { b: 3 } }), { a: { b: 3, c: 2 } });
});
