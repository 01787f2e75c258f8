import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allCases } from '@countersign/conformance'
import { expect, test } from 'vitest'
import { broken, none, open } from '../../scripts/conformance-musts.mjs'
import { root } from '../processes.fixture.js'
import { peers } from './broken/peers.js'

// What broken-peers.long.ts runs, compared with the protocol page, the peers as they are built, and the cases of the suite.

test('a broken peer names words that stand in one sentence of the page, at its clause', () => {
  const wrong = broken.filter(({ sentences }) => sentences.length !== 1)
  expect(wrong.map(({ clause, words, sentences }) => [clause, words, sentences])).toEqual([])
})

test('a sentence that needs no broken peer is named once, and has none', () => {
  expect(none.filter(({ sentences }) => sentences.length !== 1)).toEqual([])
  const named = none.flatMap(({ sentences }) => sentences)
  expect(named.filter((one, at) => named.indexOf(one) !== at)).toEqual([])
  const isBroken = new Set(broken.flatMap(({ sentences }) => sentences))
  expect(named.filter(one => isBroken.has(one))).toEqual([])
})

test('what is changed in a peer stands in it once', () => {
  const changes = peers.flatMap(one => [...one.broken, ...one.legal])
  const wrong = changes.filter(({ file, find }) => {
    return readFileSync(join(root, 'packages', file), 'utf8').split(find).length !== 2
  })
  expect(wrong.map(({ file, find }) => [file, find])).toEqual([])
})

test('a broken peer names cases of its role', () => {
  const known = new Set(allCases().map(({ role, id }) => `${role} ${id}`))
  const wrong = broken.flatMap(({ role, cases }) => cases.filter(id => !known.has(`${role} ${id}`)))
  expect(wrong).toEqual([])
  expect(broken.filter(({ cases }) => cases.length === 0)).toEqual([])
})

test('each sentence that demands something has a broken peer, or says why it needs none', () => {
  expect(open).toEqual([])
})
