import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '@countersign/fetch/internal'
import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspectChallenge } from './challenge.js'
import { holder, settings } from './inspect.test.fixture.js'
import { readKeys } from './keys.js'
import { inspectRequest } from './request.js'
import { inspectToken } from './token.js'
import { keys } from './tokens.test.fixture.js'

describe('input that cannot be inspected is a usage error that says what is wrong', () => {
  test('a request', async () => {
    const inspected = (text: string): unknown => inspectRequest(new TextEncoder().encode(text), {}, settings)
    await expect(inspected('hello')).rejects.toThrow(UsageError)
    await expect(inspected('GET / HTTP/1.1\nHost a')).rejects.toThrow('line 2 is not a header line')
  })

  test('a --key file', async () => {
    await expect(readKeys(join(tmpdir(), 'countersign-no-such-file'))).rejects.toThrow(UsageError)
    await expect(keys({ ...holder.publicJwk, d: 'AA' })).rejects.toThrow('a public key must not hold private members')
    await expect(keys({ keys: [] })).rejects.toThrow('has no key')
    expect((await keys(holder.publicJwk)).find('any')?.thumbprint).toBe('poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U')
  })
})

test('any file leads to a report or a usage error', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map(rest => `GET / HTTP/1.1\nHost: a\n${rest}`),
    fc
      .string()
      .map(rest => `GET / HTTP/1.1\nHost: a\nSignature: sig=:AA==:\nSignature-Key: ${rest.replace(/[\r\n]/g, '')}\n`),
  )
  await fc.assert(
    fc.asyncProperty(text, async content => {
      const bytes = new TextEncoder().encode(content)
      const report = await inspectRequest(bytes, {}, settings).catch((error: unknown) => error)
      if (!(report instanceof UsageError)) expect(report).toMatchObject({ ok: expect.any(Boolean) })
      expect((await inspectToken(content, settings)).ok).toBe(false)
      await inspectChallenge(content, settings)
    }),
    { numRuns },
  )
})
