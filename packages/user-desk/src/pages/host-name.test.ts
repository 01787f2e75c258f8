import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { shownHost } from './host-name.js'

/** As the URL parser writes it. */
const id = (host: string): string => new URL(`https://${host}`).origin

test('a host in ASCII is shown as it is, with its port', () => {
  expect(shownHost('https://calendar.example')).toEqual({ text: 'calendar.example' })
  expect(shownHost('http://localhost:4110')).toEqual({ text: 'localhost:4110' })
  expect(shownHost('https://[::1]:4000')).toEqual({ text: '[::1]:4000' })
})

test('a host in one script is shown in it, with its wire form beside', () => {
  for (const host of [
    'münchen.example',
    'žluťoučký.example',
    'пример.example',
    'παράδειγμα.example',
    '東京.example',
    '한국어.example',
  ])
    expect(shownHost(id(host)), host).toEqual({ text: host, ascii: new URL(id(host)).host })
  expect(shownHost(id('münchen.example:8443'))).toEqual({
    text: 'münchen.example:8443',
    ascii: 'xn--mnchen-3ya.example:8443',
  })
})

test(
  verifies('UIX-10', 'consent.page', 'a host in mixed scripts, or that looks like another, is shown in its wire form'),
  () => {
    const confusing = [
      'раураl.example', // Cyrillic with a Latin l
      'аррӏе.example', // Cyrillic only
      'gооgle.example', // two Cyrillic o
      'ρaypal.example', // a Greek rho
      'οοο.example', // Greek omicron only
      'ıs.example', // dotless i
      'paypaŀ.example',
      'ĸey.example',
      'google.com〳login.example',
      'a丿b.example',
      'ノ.example',
      '二.example',
      'עברית.example', // right to left
      'ex\u0300ample.example'.normalize('NFD'),
    ]
    for (const host of confusing) {
      if (!URL.canParse(`https://${host}`)) continue
      const shown = shownHost(id(host))
      expect(shown, host).toEqual({ text: new URL(id(host)).host })
      expect(shown.text, host).toMatch(/xn--/)
    }
  },
)

test('one doubtful label puts the whole host in wire form', () => {
  expect(shownHost(id('münchen.аррӏе.example'))).toEqual({ text: 'xn--mnchen-3ya.xn--80ak6aa92e.example' })
})
