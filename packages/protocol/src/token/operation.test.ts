import { createHash } from 'node:crypto'
import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  checkAuthToken,
  checkResourceToken,
  isDisplay,
  isWord,
  operationDigest,
  parseOperation,
  parseToken,
} from '../index.js'
import { good, type JoseIssuer, joseIssuer, now } from './jose-issuer.test.fixture.js'
import { type Change, changesOf } from './token-changes.test.fixture.js'

let issuer: JoseIssuer
beforeAll(async () => {
  issuer = await joseIssuer()
})
const { payload, text } = changesOf(() => issuer)

const digest = 'p9nkbV1Ahm4dP8YV4CzXLfWqfYXWSZTVHcG4qdZ4Cao'
const operation = { name: 'send', digest, display: ['Send ', 'Lunch', ' to ', 'bob@example.org'] }

async function resourceToken(change: Change): Promise<unknown> {
  const parsed = parseToken(await change('resource+jwt'), ['resource+jwt'])
  return checkResourceToken(parsed, { now, audience: 'https://auth.example' })
}

async function authToken(change: Change): Promise<unknown> {
  const parsed = parseToken(await change('auth+jwt'), ['auth+jwt'])
  return checkAuthToken(parsed, { now, audience: 'https://resource.example' })
}

describe('the operation of a resource token', () => {
  test(verifies('APR-17', 'is read, with and without a display, and with the user it is for'), async () => {
    expect(await resourceToken(payload({ operation, sub: 'user-1' }))).toEqual({
      ...good['resource+jwt'],
      operation,
      sub: 'user-1',
    })
    const { display: _, ...without } = operation
    expect(await resourceToken(payload({ operation: without }))).toEqual({
      ...good['resource+jwt'],
      operation: without,
    })
  })

  test(verifies('APR-17', 'is refused in any other shape'), async () => {
    const wrong = [
      null,
      'send',
      [],
      [operation],
      {},
      7,
      true,
      ...['', 'a b', 'x'.repeat(129), 7, null, undefined, 'é'].map(name => ({ ...operation, name })),
      ...['', digest.slice(1), `${digest}A`, `${digest.slice(0, -1)}=`, `${digest.slice(0, -1)}p`, 7, undefined].map(
        other => ({ ...operation, digest: other }),
      ),
      ...['Send', [], [1], [null], [['Send']], {}, null, Array.from({ length: 65 }, () => '')].map(display => ({
        ...operation,
        display,
      })),
      { ...operation, amount: 5 },
      { ...operation, Display: ['x'] },
    ]
    for (const value of wrong)
      await expect(resourceToken(payload({ operation: value })), JSON.stringify(value)).rejects.toMatchObject({
        code: 'invalid_resource_token',
        status: 400,
        reason: 'operation_malformed',
      })
    const twice = text(o => [
      o.header,
      `${o.payload.slice(0, -1)},"operation":{"name":"send","digest":"${digest}","name":"purge"}}`,
    ])
    await expect(resourceToken(twice)).rejects.toMatchObject({ code: 'invalid_resource_token', status: 400 })
    for (const sub of ['', null, 7, 'a\nb'])
      await expect(resourceToken(payload({ operation, sub }))).rejects.toMatchObject({ code: 'invalid_resource_token' })
  })

  test(verifies('APR-16', 'has no display with characters that hide or turn text, and is never cut'), async () => {
    const hidden = [
      '\0',
      '\n',
      '\t',
      '\x7f',
      '\x85',
      '\u200b',
      '\u200e',
      '\u202e',
      '\u2066',
      '\ufeff',
      '\u2028',
      '\u2029',
    ]
    for (const character of [...hidden, '\u{e0041}', '\ue000', '\u0378', '\u00ad', '\u{1d173}'])
      for (const part of [character, `bob${character}`, `${character}bob`])
        await expect(
          resourceToken(payload({ operation: { ...operation, display: ['To ', part] } })),
          JSON.stringify(part),
        ).rejects.toMatchObject({ code: 'invalid_resource_token', reason: 'operation_malformed' })
    const shown = ['To ', 'Zoë 李 \u{1f600} “x” a\u0301']
    expect(await resourceToken(payload({ operation: { ...operation, display: shown } }))).toMatchObject({
      operation: { display: shown },
    })
  })

  test(
    verifies('APR-38', 'has no letters without ink, and no marks that are piled up or drawn over other text'),
    async () => {
      const blank = [
        '\u3164',
        '\uffa0',
        '\u115f',
        '\u1160',
        '\u2800',
        '\u034f',
        '\u17b4',
        '\u180b',
        '\u{e0100}',
        '\u{e01ef}',
      ]
      const others = [
        '\ufe00',
        '\ufe0f',
        '\u{13441}',
        '\u{13442}',
        '\u{16fe4}',
        '\u{1d159}',
        '\u2764\ufe0f\ufe0f',
        '5\ufe0f',
      ]
      const marks = [
        `5${'\u0336'.repeat(7)}`,
        `a${'\u0e49'.repeat(7)}`,
        `a${'\u0301\u0323'.repeat(200)}`,
        '\u0336',
        '\u0301 eve',
      ]
      for (const text of [...blank, ...others, ...marks])
        for (const part of [text, `${text}bob`, ...(marks.includes(text) ? [] : [`bob${text}`])])
          await expect(
            resourceToken(payload({ operation: { ...operation, display: ['To ', part] } })),
            JSON.stringify(part),
          ).rejects.toMatchObject({ code: 'invalid_resource_token', reason: 'operation_malformed' })
      // Five marks in a row stand in Hebrew with accents and in Burmese, four in Tibetan, three in Hindi; taken apart, too.
      const languages = [
        'שִּׁ֑֔י',
        'မြွှေ့',
        'བསྒྲུབས',
        'मोज़ांबिक'.normalize('NFD'),
        'Các Tiểu Vương'.normalize('NFD'),
        'น้ำผึ้ง ที่นี่',
        'لَّـٰٓ',
      ]
      for (const text of [
        ...languages,
        'ᾧ'.normalize('NFD'),
        '\u2764\ufe0f \u26a0\ufe0f \u{1f44d}\u{1f3fd}',
        'e' + '\u0301'.repeat(6),
      ])
        expect(
          await resourceToken(payload({ operation: { ...operation, display: ['To ', text] } })),
          text,
        ).toMatchObject({ operation: { display: ['To ', text] } })
    },
  )

  test(verifies('approval.display', 'has at most 500 code points, all strings together'), () => {
    expect(isDisplay(['x'.repeat(500)])).toBe(true)
    expect(isDisplay(['x'.repeat(501)])).toBe(false)
    expect(isDisplay(['x'.repeat(250), '', '\u{1f600}'.repeat(250)])).toBe(true)
    expect(isDisplay(['x'.repeat(250), ' ', '\u{1f600}'.repeat(250)])).toBe(false)
    expect(isDisplay(['\u{1f600}'.repeat(500)])).toBe(true)
    expect(isDisplay(['\u{1f600}'.repeat(501)])).toBe(false)
    expect(isDisplay(Array.from({ length: 64 }, () => 'ab'))).toBe(true)
    expect(isDisplay(Array.from({ length: 65 }, () => 'ab'))).toBe(false)
    // Two halves of one code point are none, though they would be when they were joined.
    expect(isDisplay(['a\ud83d', '\ude00b'])).toBe(false)
  })

  test('is read exactly where its display can be shown', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.array(fc.string({ unit: 'grapheme' })), (value, display) => {
        const read = parseOperation({ name: 'send', digest, display })
        expect(read !== undefined).toBe(isDisplay(display))
        expect(() => parseOperation(value)).not.toThrow()
      }),
      { numRuns },
    )
  })
})

describe('claims of an auth token', () => {
  test(verifies('approval.token', 'operation_digest is a SHA-256 digest in base64url'), async () => {
    expect(await authToken(payload({ operation_digest: digest }))).toEqual({
      ...good['auth+jwt'],
      operation_digest: digest,
    })
    for (const value of ['', digest.slice(1), `${digest}=`, null, 7, [digest], {}])
      await expect(authToken(payload({ operation_digest: value }))).rejects.toMatchObject({
        code: 'invalid_auth_token',
        reason: 'token_claim_malformed',
      })
  })

  test(verifies('DEL-17', 'purposes are names, each once, set apart by single spaces'), async () => {
    for (const purposes of ['support', 'support billing', Array.from({ length: 64 }, (_, i) => `p${i}`).join(' ')])
      expect(await authToken(payload({ purposes }))).toEqual({ ...good['auth+jwt'], purposes })
    const wrong = ['', ' ', 'support ', 'support  billing', 'support support', 'support\tbilling', 'x'.repeat(129), 'é']
    for (const purposes of [...wrong, Array.from({ length: 65 }, (_, i) => `p${i}`).join(' '), ['support'], null, 7])
      await expect(authToken(payload({ purposes })), JSON.stringify(purposes)).rejects.toMatchObject({
        code: 'invalid_auth_token',
        reason: 'token_claim_malformed',
      })
  })
})

test('a word has 1 to 128 characters of a scope token', () => {
  for (const word of ['a', 'mail.send', 'https://x.example/y', '__proto__', 'x'.repeat(128), "!#$%&'()*"])
    expect(isWord(word), word).toBe(true)
  for (const other of ['', ' ', 'a b', 'a"', 'a\\', 'é', 'x'.repeat(129), 'a\n', 7, null, ['a']])
    expect(isWord(other), String(other)).toBe(false)
})

describe('the digest of an operation', () => {
  const line = (name: string, value: string): string => `"${name}": ${value}`
  const fixed: ReadonlyArray<readonly [string, string]> = [
    ['@method', 'POST'],
    ['@authority', 'mail.corp.example'],
    ['@path', '/messages'],
    ['@query', '?'],
    ['content-type', 'application/json'],
    ['content-encoding', 'gzip'],
    ['content-digest', 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'],
  ]
  const key = line('signature-key', 'sig=jwt;jwt="x"')
  const params = '"@signature-params": ("@method");created=1;nonce="n"'
  const base = [...fixed.map(([name, value]) => line(name, value)), key, params].join('\n')
  const sha = (lines: readonly string[]): string => createHash('sha256').update(lines.join('\n')).digest('base64url')

  test(
    verifies('approval.digest', 'is the hash of its lines in the order of the protocol, then of the display'),
    async () => {
      const lines = fixed.map(([name, value]) => line(name, value))
      expect(await operationDigest(base)).toBe(sha(lines))
      expect(await operationDigest(base, ['Send ', 'Lunch'])).toBe(sha([...lines, '"display": Send \u001fLunch']))
      const others = [line('x-b', '2'), line('x-a', '1'), line('@query-param";name="to', 'eve')]
      const more = [...others, ...base.split('\n')].join('\n')
      expect(await operationDigest(more)).toBe(
        sha([...lines, line('@query-param";name="to', 'eve'), line('x-a', '1'), line('x-b', '2')]),
      )
    },
  )

  test(
    verifies(
      'approval.digest.text',
      'is over UTF-8, strings as they are, and over lines by the name of their component',
    ),
    async () => {
      const lines = fixed.map(([name, value]) => line(name, value))
      // One letter in its two normal forms, and one beyond the first plane.
      const letters = ['\u00e9', 'e\u0301', '\u{1f375}']
      for (const letter of letters) {
        const utf8 = Buffer.concat([Buffer.from([...lines, '"display": '].join('\n')), Buffer.from(letter, 'utf8')])
        expect(await operationDigest(base, [letter])).toBe(createHash('sha256').update(utf8).digest('base64url'))
      }
      expect(new Set(await Promise.all(letters.map(letter => operationDigest(base, [letter])))).size).toBe(3)
      const coded = line('x-note";bs', ':ZQ==:').replace('";bs"', '";bs')
      const typed = line('content-digest";key="sha-256', ':X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:')
      const more = [coded, typed, ...base.split('\n')].join('\n')
      // Of the two lines of content-digest, each stands where the base has it.
      expect(await operationDigest(more)).toBe(sha([...lines.slice(0, -1), typed, ...lines.slice(-1), coded]))
    },
  )

  test(verifies('APR-02', 'is another one after a change of any line or string'), async () => {
    const seen = new Set([await operationDigest(base, ['a', 'b'])])
    const lines = base.split('\n')
    for (const [at] of fixed.entries()) {
      seen.add(await operationDigest(lines.with(at, `${lines[at]}x`).join('\n'), ['a', 'b']))
      seen.add(await operationDigest(lines.toSpliced(at, 1).join('\n'), ['a', 'b']))
    }
    for (const display of [undefined, [], ['ab'], ['a', 'b', ''], ['', 'a', 'b'], ['b', 'a'], ['a ', 'b']])
      seen.add(await operationDigest(base, display))
    seen.add(await operationDigest(`${line('x-tenant', 'a')}\n${base}`, ['a', 'b']))
    expect(seen.size).toBe(1 + 2 * fixed.length + 7 + 1)
  })

  test('is the same whatever order the components are covered in, and for each key and time', async () => {
    const names = [
      '@method',
      '@authority',
      '@path',
      '@query',
      'content-type',
      'content-digest',
      'x-a',
      'x-b',
      '@scheme',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(names, { minLength: names.length }),
        fc.stringMatching(/^[a-z]{1,8}$/),
        async (order, other) => {
          const lines = order.map(name => line(name, `value of ${name}`))
          const signed = [...lines, line('signature-key', other), `"@signature-params": ();nonce="${other}"`]
          expect(await operationDigest(signed.join('\n'), [other])).toBe(
            await operationDigest(names.map(name => line(name, `value of ${name}`)).join('\n'), [other]),
          )
        },
      ),
    )
  })
})
