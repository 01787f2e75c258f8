import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { type Draft, digestOf, post, refused, send, verdict, withHeader } from '../signed-message.test.fixture.js'
import { matchesContentDigest, parseContentDigest, writeContentDigest } from './content-digest.js'

const body = '{"title":"lunch"}'
const right = digestOf(body)
const right512 = digestOf(body, 'sha512')

function withDigest(value: string, draft: Draft = post(body)): Draft {
  return {
    ...draft,
    headers: [...draft.headers.filter(([name]) => name !== 'Content-Digest'), ['Content-Digest', value]],
  }
}

const accepted = (value: string) => verdict(send(withDigest(value)))

// RFC 9530 appendix B.1, and the same with sha-512: the body ends with a line feed.
test('writes and reads the digests of RFC 9530', async () => {
  const hello = new TextEncoder().encode('{"hello": "world"}\n')
  expect(await writeContentDigest(hello)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
  for (const value of [
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:',
  ]) {
    expect(await matchesContentDigest(parseContentDigest(value), hello)).toBe(true)
    expect(await matchesContentDigest(parseContentDigest(value), hello.subarray(1))).toBe(false)
  }
})

test(verifies('DIG-01', 'DIG-02', 'sig.digest.match', 'a wrong digest or another body is refused'), async () => {
  expect(await accepted(`sha-256=:${right}:`)).toBe('accepted')
  expect(await accepted(`sha-256=:${digestOf('other')}:`)).toBe(refused)
  expect(await verdict({ ...send(post(body)), body: new TextEncoder().encode('{"title":"lunch" }') })).toBe(refused)
})

test(verifies('DIG-03', 'DIG-09', 'sig.covered.body', 'no other field replaces Content-Digest'), async () => {
  expect(await verdict(withHeader(send(post(body)), 'content-digest', undefined))).toBe(refused)
  const bare = { ...post(body), headers: post(body).headers.filter(([name]) => name !== 'Content-Digest') }
  expect(await verdict(send(bare))).toBe(refused)
  for (const [name, value] of [
    ['Repr-Digest', `sha-256=:${right}:`],
    ['Digest', `SHA-256=${right}`],
  ] as const) {
    const draft = {
      ...bare,
      headers: [...bare.headers, [name, value] as const],
      components: [...bare.components.slice(0, -1), `"${name.toLowerCase()}"`],
    }
    expect(await verdict(send(draft))).toBe(refused)
  }
})

test(
  verifies('DIG-04', 'DIG-05', 'sig.digest.algorithms', 'one known digest at least, and every known one right'),
  async () => {
    for (const value of [
      `sha-512=:${right512}:`,
      `sha-256=:${right}:, foo=:AA==:`,
      `foo="x", sha-256=:${right}:`,
      `sha-256=:${right}:, sha-512=:${right512}:`,
      `sha-256=:${right}:;a=b`,
    ])
      expect(await accepted(value), value).toBe('accepted')
    for (const value of [
      'md5=:AAAAAAAAAAAAAAAAAAAAAA==:',
      'sha=:AAAA:',
      'unixsum=:AAAA:',
      'crc32c=:AAAA:',
      `foo=:${right}:`,
      `SHA-256=:${right}:`,
      `sha-256=:${right}:, sha-512=:${digestOf('other', 'sha512')}:`,
      `sha-512=:${right512}:, sha-256=:${digestOf('x')}:`,
    ])
      expect(await accepted(value), value).toBe(refused)
  },
)

test(
  verifies('DIG-08', 'sig.headers.status', 'a digest that is no Byte Sequence of its length is refused with 401'),
  async () => {
    const hex = Buffer.from(right, 'base64').toString('hex')
    for (const value of [
      `sha-256="${right}"`,
      `sha-256=${hex}`,
      `sha-256=:${hex}:`,
      `sha-256=:${right.replaceAll('+', '-').replaceAll('/', '_').replace('=', '-')}:`,
      `sha-256=:${right.slice(0, 22)}==:`,
      'sha-256=::',
      'sha-256',
      '',
      `sha-256=(:${right}:)`,
      `sha-256=:${right}`,
      `sha-256=:${right}:,`,
    ])
      expect(await accepted(value), value).toBe(refused)
  },
)

test('a repeated algorithm is refused, on one line or two', async () => {
  expect(await accepted(`sha-256=:${right}:, sha-256=:${right}:`)).toBe(refused)
  const two = withDigest(`sha-256=:${right}:`)
  expect(await verdict(send({ ...two, headers: [...two.headers, ['Content-Digest', `sha-256=:${right}:`]] }))).toBe(
    refused,
  )
  expect(await verdict(send({ ...two, headers: [...two.headers, ['Content-Digest', `sha-512=:${right512}:`]] }))).toBe(
    'accepted',
  )
})

test(verifies('DIG-17', 'the digest is over raw bytes'), async () => {
  for (const raw of ['\ufeff{"a":1}', '{ "a" :\r\n1 }', 'a=1&b=2\r\n'])
    expect(await verdict(send(post(raw)))).toBe('accepted')
})

test(
  verifies('DIG-22', 'limits.before-parsing', 'limits.header-status', 'a Content-Digest of over 4 KiB is refused'),
  async () => {
    const own = `sha-256=:${right}:, x=`
    const ofLength = (length: number): string => `${own}"${'a'.repeat(length - own.length - 2)}"`
    expect(await accepted(ofLength(4096))).toBe('accepted')
    expect(await accepted(ofLength(4097))).toBe('431 invalid_request')
  },
)
