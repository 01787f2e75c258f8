import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldedName, foldedText, misspeltFrom } from '../internal.js'

test.each([
  ['Private', 'private'],
  ['\u0130D', 'id'],
  ['I\u0307d', 'id'],
  ['\u0131d', 'id'],
  ['\uff29\uff24', 'id'],
  ['\u212a', 'k'],
  ['\u017f', 's'],
  ['stra\u00dfe', 'strasse'],
  ['STRA\u1e9eE', 'strasse'],
  ['\u039f\u03a3', '\u03bf\u03c3'],
  ['\u039f\u03a3x', '\u03bf\u03c3x'],
  ['a\u200b\u200d\ufeff\u00ad\u2060b', 'ab'],
  ['cafe\u0301', 'caf\u00e9'],
  ['\ue000', '\ue000'],
])('%j is %j', (text, folded) => {
  expect([foldedText(text), foldedName(text)]).toEqual([folded, folded])
  expect([foldedText(folded), foldedName(folded)]).toEqual([folded, folded])
})

test.each([
  [' Tools/Call ', 'tools/call'],
  ['tools/call\u00a0', 'tools/call'],
  ['send\0_\u0085email\n', 'send_email'],
  ['\u202esend_email\ufffb', 'send_email'],
  ['\uff33\uff25\uff2e\uff24\uff3femail', 'send_email'],
  ['send_email', 'send_email'],
])('the name %j is %j', (name, folded) => expect(foldedName(name)).toBe(folded))

test('names that differ in a letter, an accent, a separator or inner white space stay apart', () => {
  const names = ['send_email', 'send-email', 'sendemail', 'send email', 'sénd_email', 'send_emails', '-1', '1', '']
  expect(new Set(names.map(foldedName)).size).toBe(names.length)
})

test('folding a folded name changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), name => {
      const folded = foldedName(name)
      expect(foldedName(folded)).toBe(folded)
    }),
    { numRuns: 2000 },
  )
})

test('a name is misspelt when it equals a listed one only when folded', () => {
  const misspelt = misspeltFrom(['send_email', 'Delete'])
  expect(['SEND_EMAIL', 'send_email\u200b', 'delete', 'DELETE '].map(misspelt)).toEqual([
    'send_email',
    'send_email',
    'Delete',
    'Delete',
  ])
  expect(['send_email', 'Delete', 'send_emails', '__proto__', ''].map(misspelt)).toEqual(Array(5).fill(undefined))
})

test('two listed names that are equal when folded are both spelled right', () => {
  const misspelt = misspeltFrom(['get', 'GET'])
  expect([misspelt('get'), misspelt('GET')]).toEqual([undefined, undefined])
  expect(misspelt('Get')).toBe('GET')
})
