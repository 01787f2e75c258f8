import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pasteExamples } from '../../page/paste-examples.mjs'
import type { PasteAnalysis } from './analysis.js'
import { mostBytes, takeApart } from './take-apart.js'
import { keys, rawRequest, worked, workedMessage } from './worked.test.fixture.js'

/** What is wrong, as `reason at`. */
const wrong = ({ findings }: PasteAnalysis): string[] =>
  findings.map(({ reason, at }) => `${reason} ${at ?? ''}`.trim())

const refusedBy = (change: string): (typeof worked.refused)[number] => {
  const found = worked.refused.find(one => one.change === change)
  return found ?? expect.fail(`no vector with ${change}`)
}

describe('a raw request', () => {
  test('of each worked message is right, with LF and with CRLF', async () => {
    expect(worked.messages.length).toBeGreaterThan(35)
    for (const message of worked.messages)
      for (const end of ['\n', '\r\n']) {
        const { kind, ok, verdict, findings } = await takeApart(rawRequest(message, end), { now: message.time, keys })
        expect({ kind, ok, verdict, findings }, message.name).toEqual({
          kind: 'request',
          ok: true,
          findings: [],
          verdict: 'This request is right: its signature verifies.',
        })
      }
  })

  test('without keys is judged as far as that goes, and says so', async () => {
    const message = workedMessage('consent-authorized')
    const { ok, verdict, checks } = await takeApart(rawRequest(message), { now: message.time })
    expect([ok, verdict]).toEqual([
      true,
      'Everything that can be judged here is right. Give the keys of its issuer to judge the rest.',
    ])
    expect(checks?.filter(({ result }) => result === 'not judged').map(({ id }) => id)).toEqual([
      'accepted',
      'key',
      'token-signature',
    ])
  })

  test('that is wrong is refused for what is wrong, with what would be right', async () => {
    const judged = async (change: string): Promise<unknown[]> => {
      const message = refusedBy(change)
      const analysis = await takeApart(rawRequest(message), { now: message.time, keys })
      return [analysis.ok, analysis.verdict, ...wrong(analysis)]
    }
    expect(await judged('one byte of the body')).toEqual([
      false,
      'A receiver refuses this request, at “Digest of the body”: Content-Digest is not the digest of the body received. The signature itself is right.',
      'digest_wrong content-digest',
    ])
    expect(await judged('another method')).toEqual([
      false,
      'A receiver refuses this request, at “Signature of the request”: The signature does not verify under the key of Signature-Key.',
      'method_changed @method',
    ])
    expect(await judged('a query')).toEqual([
      false,
      'A receiver refuses this request, at “Covered components”: The signature does not cover a component that this request must cover: @query. The signature itself is right.',
      'component_not_covered @query',
    ])
    expect(await judged('the same request once more, 61 seconds later')).toEqual([
      false,
      'A receiver refuses this request, at “Times of the signature”: created is older than the verifier accepts. The signature itself is right.',
      'created_too_old created',
    ])
    expect(await judged('signed anew, after the token’s `exp`')).toEqual([
      false,
      'A receiver refuses this request, at “Token: times”: The token has expired. The signature itself is right.',
      'token_expired Token: times',
    ])
  })

  test('for another receiver is refused there', async () => {
    const message = workedMessage('consent-authorized')
    const options = { now: message.time, keys, authority: 'Evil.example' }
    const analysis = await takeApart(rawRequest(message), options)
    expect(wrong(analysis)[0]).toBe('authority_of_host @authority')
    expect(analysis.notes[0]).toBe('Judged as https://evil.example (as you say).')
  })

  test('without a signature passes only where anyone may', async () => {
    const { ok, verdict } = await takeApart('GET /holidays HTTP/1.1\nHost: calendar.example\n\n', { now: 0 })
    expect([ok, verdict]).toEqual([
      true,
      'This request is not signed. It passes only where a resource lets anonymous callers in.',
    ])
  })

  test('with the base that its signer made below it is compared with it', async () => {
    const message = workedMessage('pseudonymous')
    const { base } = message.signature
    const text = (signed: string): string => rawRequest(message) + signed
    expect((await takeApart(text(base), { now: message.time })).ok).toBe(true)
    const other = await takeApart(text(base.replace('2027', '2026')), { now: message.time })
    expect(other.findings).toMatchObject([
      { at: '"@query"', expected: '"@query": ?year=2026', received: '"@query": ?year=2027' },
    ])
  })

  test('that cannot be read says which line is wrong', async () => {
    const { findings } = await takeApart('GET / HTTP/1.1\nHost calendar.example\n\n', { now: 0 })
    expect(findings[0]?.wrong).toMatch(/^Line 2 is not a header line: /)
    expect((await takeApart('GET / HTTP/1.1\n\n', { now: 0 })).findings[0]?.wrong).toBe(
      'It has no Host: name its receiver.',
    )
  })
})

describe('a token', () => {
  test('of each type is in order, and its issuer signed it', async () => {
    const tokens = worked.tokens.filter(({ header }) => header.typ !== 'key-proof+jwt')
    expect(new Set(tokens.map(({ header }) => header.typ)).size).toBe(3)
    for (const { jwt } of tokens) {
      const iat = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).iat as number
      const analysis = await takeApart(` ${jwt}\n`, { now: iat + 1, keys })
      expect([analysis.kind, analysis.verdict, wrong(analysis)]).toEqual([
        'token',
        expect.stringMatching(/^This (?:agent|auth|resource) token is in order, and its issuer signed it\.$/),
        [],
      ])
    }
  })

  test('that is wrong is refused with a reason, and still decoded', async () => {
    const { jwt } = worked.tokens.find(({ header }) => header.typ === 'auth+jwt') ?? expect.fail()
    const judged = async (text: string, change: object = {}): Promise<unknown[]> => {
      const analysis = await takeApart(text, { now: 1_800_000_031, keys, ...change })
      return [...wrong(analysis), analysis.tokens?.[0]?.name]
    }
    expect(await judged(jwt)).toEqual(['auth token'])
    expect(await judged(`Bearer ${jwt}`)).toEqual(['auth token'])
    expect(await judged(jwt, { now: 1_800_009_999 })).toEqual(['token_expired Token: times', 'auth token'])
    expect(await judged(jwt, { authority: 'evil.example' })).toEqual([
      'token_audience_wrong Token: receiver',
      'auth token',
    ])
    expect(await judged(`${jwt.slice(0, -4)}AAAA`)).toEqual([
      'token_signature_wrong Token: signature of its issuer',
      'auth token',
    ])
    expect(await judged('a.b.c')).toEqual(['token_malformed Token: type and form', undefined])
  })
})

describe('a challenge', () => {
  const value = (workedMessage('challenge').response.headers.find(([name]) => name === 'agent-auth') ?? [])[1] ?? ''

  test('is said in words, and its resource token judged', async () => {
    for (const text of [value, `Agent-Auth: ${value}`]) {
      const { kind, ok, challenge, tokens } = await takeApart(text, { now: 1_800_000_031, keys })
      expect([kind, ok, challenge?.parts.length, tokens?.[0]?.name]).toEqual(['challenge', true, 3, 'resource token'])
    }
    const response = await takeApart(`HTTP/1.1 401 Unauthorized\nagent-auth: ${value}\n\n`, {
      now: 1_800_000_031,
      keys,
    })
    expect([response.kind, response.ok]).toEqual(['response', true])
  })

  test('that is wrong says why', async () => {
    expect(wrong(await takeApart('httpsig; identity=1', { now: 0 }))).toEqual(['agent_auth_malformed'])
    const elsewhere = value.replace('auth_server="https://auth.example"', 'auth_server="https://evil.example"')
    expect(wrong(await takeApart(elsewhere, { now: 1_800_000_031, keys }))).toEqual([
      'token_audience_wrong Token: receiver',
    ])
  })

  test('in the response of a refusal comes with the reason in words', async () => {
    const body = '{"error":"replay_detected","reason":"request_replayed"}'
    const { verdict, findings } = await takeApart(`HTTP/1.1 401 Unauthorized\n\n${body}`, { now: 0 })
    expect([verdict, findings[0]?.reason]).toEqual([
      expect.stringMatching(/^This request was refused: /),
      'request_replayed',
    ])
  })
})

describe('conditions', () => {
  const scopes = { type: 'scopes', any: ['mail.read'] }

  test('are said in words, one or a list, or as a claim', async () => {
    for (const value of [scopes, [scopes], { constraints: [scopes] }]) {
      const { kind, ok, conditions } = await takeApart(JSON.stringify(value), { now: 0 })
      expect([kind, ok, conditions]).toEqual(['conditions', true, ['Only this permission: “mail.read”.']])
    }
    const ended = await takeApart(JSON.stringify({ type: 'until', time: 10 }), { now: 20 })
    expect(ended.verdict).toBe('A receiver understands this condition. At this time “until” does not hold.')
  })

  test('that nobody understands are refused, not ignored', async () => {
    const { ok, findings } = await takeApart('[{"type":"scopse","any":["mail.read"]}]', { now: 0 })
    expect([ok, findings[0]?.reason, findings[0]?.wrong]).toEqual([
      false,
      'condition_malformed',
      'The list of conditions is malformed, or has one that is not known here: a condition has a type that is not known here.',
    ])
    expect((await takeApart('{"type":"until","time":1,"time":2}', { now: 0 })).verdict).toBe(
      'This is no JSON, or has a member twice.',
    )
  })
})

describe('a signature base', () => {
  const { base } = workedMessage('pseudonymous').signature

  test('is judged by its form', async () => {
    const judged = async (text: string): Promise<string[]> => wrong(await takeApart(text, { now: 0 }))
    expect(await judged(base)).toEqual([])
    expect(await judged(base.replaceAll('\n', '\r\n'))).toEqual(['base_spelling'])
    expect(await judged(base.replace('"@path": /holidays\n', ''))).toEqual(['base_spelling'])
    expect(await judged(base.replaceAll('"@path"', '"@method"'))).toEqual([
      'component_repeated "@method"',
      'component_not_covered @path',
    ])
  })

  test('is compared with a second one', async () => {
    expect((await takeApart(`${base}\n\n${base}`, { now: 0 })).verdict).toBe('These two bases are the same.')
    expect(wrong(await takeApart(`${base}\n\n${base.replace('GET', 'POST')}`, { now: 0 }))).toEqual([
      'signature_wrong "@method"',
    ])
  })
})

describe('anything else', () => {
  test('is said to be nothing that is known', async () => {
    const verdict = async (text: string, given = ''): Promise<string> =>
      (await takeApart(text, { now: 0, keys: given })).verdict
    expect(await verdict('')).toBe('There is nothing here yet.')
    expect(await verdict('hello world, how are you')).toBe('This is nothing that AAuth knows.')
    expect(await verdict(keys)).toBe('This is a key, or a set of keys.')
    expect(await verdict('a'.repeat(mostBytes + 1))).toBe('This is longer than 64 KiB.')
    expect(await verdict('é'.repeat(mostBytes / 2 + 1))).toBe('This is longer than 64 KiB.')
    expect(await verdict('hello', 'a'.repeat(mostBytes + 1))).toBe('This is longer than 64 KiB.')
  })

  test('keys that are wrong are a note, and the text is judged without them', async () => {
    const message = workedMessage('pseudonymous')
    const { ok, notes } = await takeApart(rawRequest(message), { now: message.time, keys: 'no json' })
    expect([ok, notes[0]]).toEqual([true, 'The keys are no JSON: paste a JWK, or a JWK set such as {"keys":[…]}.'])
  })

  test('never throws, whatever is pasted', async () => {
    const begin = fc.constantFrom(
      ...[
        '',
        'GET / HTTP/1.1\nHost: a\n',
        'HTTP/1.1 401\n',
        'httpsig; ',
        '[{"type":"',
        '"@method": GET\n',
        'eyJhIjoxfQ.',
      ],
      ...['GET / HTTP/1.1\nHost: a\nSignature: sig=:AA==:\nSignature-Input: sig=();created=1\nSignature-Key: sig='],
    )
    const text = fc.tuple(begin, fc.string({ unit: 'binary' })).map(parts => parts.join(''))
    const given = fc.oneof(fc.constant(''), fc.string(), fc.json(), fc.constant(keys))
    await fc.assert(
      fc.asyncProperty(text, given, fc.string(), async (pasted, pastedKeys, authority) => {
        const { verdict } = await takeApart(pasted, { now: 1_800_000_000, keys: pastedKeys, authority })
        expect(verdict).not.toBe('')
      }),
      { numRuns },
    )
  })

  test('costs no more than its length: a text of 64 KiB is judged at once', async () => {
    const fill = (unit: string, head = ''): string => head + unit.repeat((mostBytes - head.length) / unit.length)
    const request = 'GET / HTTP/1.1\nHost: a\n'
    const hostile = [
      fill('ey-'),
      fill('ey.'),
      fill('a.'),
      fill('['),
      fill('{"a":'),
      fill('"a":1,', '{'),
      fill(' '),
      fill('\n', 'x'),
      fill('a: b\n', request),
      fill('Signature: ', request),
      fill('ey', `${request}X: `),
      fill('eyA.', `${request}\n`),
      fill('httpsig;'),
      fill(';a="', 'httpsig'),
      fill('"@method": a\n'),
      fill('"@a"', '"@method": '),
      fill('\r\n', '"@a": @signature-params'),
      fill('{"type":"scopes","any":["a"]},', '['),
      fill('"', 'HTTP/1.1 401\n\n"reason":'),
      fill('Agent-Auth: a\n', 'HTTP/1.1 401\n'),
      fill('"a" ', `${request}Signature-Key: sig=hwk\nSignature: sig=:AA==:\nSignature-Input: sig=(`),
    ]
    for (const text of hostile) {
      const begun = performance.now()
      await takeApart(text, { now: 0, keys: fill('{"a":', '{"keys":[') })
      // What takes more than linear time takes seconds, and the machine may be busy.
      expect(performance.now() - begun, text.slice(0, 60)).toBeLessThan(1000)
    }
  }, 60_000)
})

test('each example of the page is what its title says', async () => {
  const verdicts: string[] = []
  for (const { title, text, time, keys: given } of pasteExamples()) {
    const { kind, ok } = await takeApart(text, { now: time, keys: given })
    verdicts.push(`${title}: ${kind}, ${ok ? 'right' : 'wrong'}`)
  }
  expect(verdicts).toEqual([
    'A right request: request, right',
    'One byte changed: request, wrong',
    'A token: token, right',
    'A challenge: challenge, right',
    'Conditions: conditions, right',
    'A signature base: base, right',
  ])
})
