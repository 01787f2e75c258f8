import { verifies } from '@countersign/requirements'
import { describe, test } from 'vitest'
import { header, without } from '../altered.test.fixture.js'
import { signByHand } from '../world.test.fixture.js'
import type { Stage } from './stage.test.fixture.js'

const invalid = { status: 401, error: 'invalid_signature' }
const body = '{"a":1}'
/** Of the body above, as `openssl dgst` has it. */
const sha256 = 'AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI='
/** Of no bytes at all. */
const ofNothing = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

/** Of the group DIG what is about the header: which digests count. */
export function digests({ world, as, site, post }: Stage): void {
  const covering = (headers: ReadonlyArray<readonly [string, string]>, ...covered: string[]) =>
    signByHand({
      as,
      method: 'POST',
      target: '/feed',
      body,
      input: `(${['@method', '@authority', '@path', 'signature-key', 'content-type', ...covered].map(name => `"${name}"`).join(' ')});created=${Math.floor(world.clock.now)};nonce="${crypto.randomUUID()}"`,
      headers: [['content-type', 'application/json'], ...headers],
    })
  const digested = (digest: string, name = 'content-digest') => covering([[name, digest]], name)

  describe('digests', () => {
    test(verifies('DIG-01', 'sig.digest.match', 'the wrong value, rightly signed'), async () => {
      const { refused, refuses, passes } = await site()
      for (const wrong of [ofNothing, sha256.replace('A', 'B')])
        await refused(await digested(`sha-256=:${wrong}:`), invalid)
      await refused(await digested(`sha-512=:${await sha512()}:, sha-256=:${ofNothing}:`), invalid)
      await refuses(
        await post(),
        header('content-digest', () => `sha-256=:${ofNothing}:`),
        invalid,
      )
      await passes(await digested(`sha-256=:${sha256}:`))
    })

    test(verifies('DIG-03', 'sig.covered.body', 'covered but missing, there but uncovered, and neither'), async () => {
      const { refused, refuses } = await site()
      const lines = [['content-digest', `sha-256=:${sha256}:`]] as const
      await refuses(await covering(lines, 'content-digest'), without('content-digest'), invalid)
      await refused(await covering(lines), invalid)
      await refused(await covering([]), invalid)
    })

    test(verifies('DIG-04', 'DIG-05', 'sig.digest.algorithms', 'algorithms'), async () => {
      const { refused, passes } = await site()
      const unknown = [
        'md5=:XrY7u+Ae7tCTyyK7j1rNww==:',
        'sha=:AAAA:',
        'unixsum=30637',
        'crc32c=:AAAAAA==:',
        'foo=:AAAA:',
      ]
      for (const digest of [...unknown, unknown.slice(0, 2).join(', ')]) await refused(await digested(digest), invalid)
      const known = [`sha-256=:${sha256}:`, `sha-512=:${await sha512()}:`]
      for (const digest of [...known, known.join(', '), `${known[0]}, foo=:AAAA:`]) await passes(await digested(digest))
    })

    test(
      verifies('DIG-08', 'sig.digest.algorithms', 'values that are no Byte Sequence of the right length'),
      async () => {
        const { refused, passes } = await site()
        const url = sha256.replaceAll('+', '-').replaceAll('=', '')
        const hex = Buffer.from(sha256, 'base64').toString('hex')
        const short = Buffer.from(sha256, 'base64').subarray(0, 16).toString('base64')
        const values = [`"${sha256}"`, `:${url}:`, sha256, `:${hex}:`, `"${hex}"`, `:${short}:`, '::', ':', '?1', '']
        for (const value of values) await refused(await digested(`sha-256=${value}`), invalid)
        await passes(await digested(`sha-256=:${sha256}:`))
      },
    )

    test(verifies('DIG-09', 'sig.covered.body', 'other headers do not stand in for it'), async () => {
      const { refused, passes } = await site()
      await refused(await digested(`sha-256=:${sha256}:`, 'repr-digest'), invalid)
      for (const value of [`SHA-256=${sha256}`, `sha-256=:${sha256}:`])
        await refused(await digested(value, 'digest'), invalid)
      await passes(await digested(`sha-256=:${sha256}:`))
    })
  })
}

async function sha512(): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-512', Buffer.from(body))).toString('base64')
}
