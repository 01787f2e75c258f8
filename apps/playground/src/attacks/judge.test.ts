import { describe, expect, test } from 'vitest'
import type { WireExchange } from './contract.js'
import { judge } from './judge.js'

const exchange = (status: number, body: object | string = {}): WireExchange => ({
  request: {
    method: 'GET',
    to: 'http://localhost:1',
    target: '/',
    headers: [['cookie', 'session=abcdefghijkl']],
    body: '',
  },
  response: { status, headers: [], body: typeof body === 'string' ? body : JSON.stringify(body) },
})

const by = { nameOf: () => 'calendar', logged: async () => undefined }
const wrong = exchange(401, { error: 'invalid_signature', reason: 'signature_wrong', error_description: 'no' })

describe('an attack has held', () => {
  test('where the twin passed and the attack was refused for what it is about', async () => {
    const { verdict, refusal } = await judge({ twin: exchange(201), attacked: wrong, reasons: ['signature_wrong'] }, by)
    expect(verdict).toBe('held')
    expect(refusal).toEqual({
      by: 'calendar',
      check: 'The signature does not verify under the key of Signature-Key.',
      reason: 'signature_wrong',
      code: 'invalid_signature',
      description: 'no',
      clause: 'sig.alg.from-key',
    })
  })

  test.each([
    ['its twin was refused, too', exchange(401), wrong, 'twin refused'],
    ['the attack passed', exchange(200), exchange(200), 'attack passed'],
    ['the server failed', exchange(200), exchange(500), 'attack passed'],
    [
      'the reason is another one',
      exchange(200),
      exchange(401, { reason: 'token_expired' }),
      'refused for another reason',
    ],
    ['no reason is given', exchange(200), exchange(404, 'Not Found'), 'refused for another reason'],
  ])('but not where %s', async (_, twin, attacked, verdict) => {
    expect((await judge({ twin, attacked, reasons: ['signature_wrong'] }, by)).verdict).toBe(verdict)
  })

  test('the reason of a page is that of its log', async () => {
    const logged = { ...by, logged: async () => 'page_not_from_here' }
    const attempt = { twin: exchange(200), attacked: exchange(403, '<!doctype html>'), reasons: ['page_not_from_here'] }
    expect((await judge(attempt, logged)).refusal?.clause).toBe('consent.browser')
  })

  test('cookies, codes and refresh tokens are shortened before they are shown', async () => {
    const twin = exchange(200, { refresh_token: 'abcdefghijkl', other: 'abcdefghijkl' })
    const judged = await judge({ twin, attacked: wrong, reasons: ['signature_wrong'] }, by)
    expect(judged.twin?.request.headers).toEqual([['cookie', 'session=abcdef…']])
    expect(judged.twin?.response.body).toBe('{"refresh_token":"abcdef…","other":"abcdefghijkl"}')
  })
})
