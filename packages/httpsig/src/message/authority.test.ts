import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { openSignature } from '../index.js'
import { chooseAuthority } from '../internal.js'
import { get, options, refused, send, verdict, withHeader, withLine } from '../signed-message.test.fixture.js'

test(
  verifies('COV-22', 'COV-27', 'sig.authority.configured', 'the configured authority is the one that counts, not Host'),
  async () => {
    expect(await verdict(withHeader(send(get), 'host', 'evil.example'))).toBe('accepted')
    expect(await verdict(withHeader(send({ ...get, authority: 'evil.example' }), 'host', 'evil.example'))).toBe(refused)
    expect(await verdict(send({ ...get, authority: 'auth.example' }))).toBe(refused)
  },
)

test(verifies('COV-23', 'forwarded headers have no effect'), async () => {
  for (const [name, value] of [
    ['X-Forwarded-Host', 'evil.example'],
    ['Forwarded', 'host=evil.example'],
    ['X-Forwarded-Proto', 'http'],
  ] as const)
    expect(await verdict(withLine(send(get), name, value))).toBe('accepted')
})

test(verifies('COV-25', 'only the canonical form of an authority verifies'), async () => {
  for (const authority of ['Calendar.example', 'calendar.example:443', 'calendar.example.'])
    expect(await verdict(send({ ...get, authority }))).toBe(refused)
  expect(
    await verdict(send({ ...get, authority: 'calendar.example' }), { authorities: ['calendar.example:8443'] }),
  ).toBe(refused)
  expect(
    await verdict(send({ ...get, authority: 'calendar.example:8443' }), { authorities: ['calendar.example:8443'] }),
  ).toBe('accepted')
})

test(
  verifies('sig.authority.several', 'of several authorities the one in Host is used; 421 when it names none'),
  async () => {
    const authorities = ['a.example', 'calendar.example', 'b.example:8443']
    for (const host of ['calendar.example', 'CALENDAR.example', 'calendar.example:443', ' calendar.example ']) {
      expect(chooseAuthority(withHeader(send(get), 'host', host), authorities)).toBe('calendar.example')
      expect(await verdict(withHeader(send(get), 'host', host), { authorities })).toBe('accepted')
    }
    expect(chooseAuthority(withHeader(send(get), 'host', 'b.example:8443'), authorities)).toBe('b.example:8443')
    for (const host of [
      'evil.example',
      'calendar.example.',
      'calendar.example:8443',
      'calendar.example:80',
      'b.example',
      '',
      undefined,
    ])
      expect(await verdict(withHeader(send(get), 'host', host), { authorities }), host).toBe('421 invalid_request')
    expect(await verdict(withHeader(send(get), 'host', 'a.example'), { authorities })).toBe(refused)
  },
)

test('a verifier without authority is a TypeError', () => {
  expect(() => openSignature(send(get), { ...options, authorities: [] })).toThrow(TypeError)
})
