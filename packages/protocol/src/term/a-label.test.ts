import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { isIdentifier } from '../index.js'
import { isTrueALabel, unicodeHost } from './a-label.js'
import { isTrueALabel as isTrueInPage } from './a-label-browser.js'

// RFC 3492 §7.1, in lower case: (A) Arabic, (B) and (C) Chinese, (I) Russian, (L) and (S) with ASCII in between.
test.each([
  ['xn--egbpdaj6bu4bxfgehfvwxn', 'ليهمابتكلموشعربي؟'],
  ['xn--ihqwcrb4cv8a8dqg056pqjye', '他们为什么不说中文'],
  ['xn--ihqwctvzc91f659drss3x8bo0yb', '他們爲什麽不說中文'],
  ['xn--b1abfaaepdrnnbgefbadotcwatmq2g4l', 'почемужеонинеговорятпорусски'],
  ['xn--3b-ww4c5e180e575a65lsy2b', '3年b組金八先生'],
  ['xn---> $1.00 <--', undefined],
  ['xn--bcher-kva.example', 'bücher.example'],
  ['plain.xn--n3h', 'plain.☃'],
  ['xn--', undefined],
  ['xn--a-', undefined],
  ['xn--bcher-kv', undefined],
  ['xn--bcher-k_a', undefined],
  ['xn--99999999', undefined],
] as const)('the host %s is shown as %s', (host, name) => {
  expect(unicodeHost(host)).toBe(name)
})

test(verifies('SCH-06', 'id.canonical', 'an A-label is valid on every runtime, or refused'), () => {
  for (const good of ['https://xn--bcher-kva.example', 'https://xn--fa-hia.example', 'https://a.xn--wgv71a119e'])
    expect(isIdentifier(good), good).toBe(true)
  for (const bad of [
    'https://xn--a.example',
    'https://xn--bcher-kv.example',
    'https://xn--xn--a-x.example',
    'https://xn--BCHER-3ya.example',
    'https://xn--bucher-kva0.example',
  ])
    expect(isIdentifier(bad), bad).toBe(false)
})

test('a page accepts every label that the URL parser of its browser accepts', () => {
  for (const host of ['xn--bcher-kva.example', 'xn--bcher-kv.example']) expect(isTrueInPage(host)).toBe(true)
  expect([isTrueALabel('xn--bcher-kva.example'), isTrueALabel('xn--bcher-kv.example')]).toEqual([true, false])
})
